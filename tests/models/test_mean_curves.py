"""An ensemble's survival curves are the mean of its members', on what all of them speak about."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from shazam.models.mean_curves import mean_curves
from shazam.predictions import curve_columns


def curve(edges: list[float], *rows: list[float]) -> pd.DataFrame:
    names, values = curve_columns(len(edges))
    return pd.DataFrame([[*edges, *row] for row in rows], columns=[*names, *values])


def test_one_member_is_its_own_mean() -> None:
    own = curve([6.0, 12.0], [0.9, 0.5], [0.8, 0.0])
    pd.testing.assert_frame_equal(mean_curves([own]), own, atol=1e-15)


def test_s_is_averaged_where_every_member_speaks() -> None:
    first = curve([10.0, 20.0, 60.0], [0.8, 0.4, 0.1])
    second = curve([20.0, 30.0], [0.25, 0.1])
    found = mean_curves([first, second])
    assert found[["edge_0", "edge_1", "edge_2"]].iloc[0].tolist() == [10.0, 20.0, 30.0]
    at_30 = 0.4 * (0.1 / 0.4) ** (10 / 40)  # constant hazard between 20 and 60
    expected = [(0.8 + 0.5) / 2, (0.4 + 0.25) / 2, (at_30 + 0.1) / 2]
    values = found[["survival_0", "survival_1", "survival_2"]].iloc[0]
    assert values.tolist() == pytest.approx(expected)


def test_a_member_without_curves_leaves_none() -> None:
    found = mean_curves([curve([10.0], [0.5], [0.4]), pd.DataFrame(index=range(2))])
    assert found.shape == (2, 0)


def test_curves_fall_though_numbers_are_rounded() -> None:
    rng = np.random.default_rng(0)
    members = [
        curve(sorted(rng.uniform(1, 90, size=5)), *(np.sort(rng.random((3, 5)))[:, ::-1].tolist()))
        for _ in range(6)
    ]
    found = mean_curves(members)
    survival = found[[name for name in found.columns if name.startswith("survival")]].to_numpy()
    assert (np.diff(survival, axis=1) <= 0).all()
    assert ((survival >= 0) & (survival <= 1)).all()
