"""Survival curves between, at and beyond their edges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.cohort.folds import Fold, Splits
from shazam.errors import ArtifactError, ConfigError
from shazam.evaluation.curves import curves_in, curves_of
from shazam.evaluation.truth import Truth

SPLITS = Splits(
    folds=(
        Fold(train=("c", "d"), validation=(), test=("a", "b")),
        Fold(train=("a", "b"), validation=(), test=("c", "d")),
    ),
    sites_preserved=False,
)
TRUTH = Truth(
    case_ids=("a", "b", "c", "d"),
    fold=np.array([0, 0, 1, 1]),
    time_months=np.array([5.0, 10.0, 20.0, 30.0]),
    event=np.ones(4, dtype=bool),
    labels=np.zeros(4, dtype=np.int64),
    classes=(),
)


def table(*, seeds: tuple[int, ...] = (0,)) -> pd.DataFrame:
    """Return curves with 2 edges in fold 0 and 3 in fold 1; rows in no special order."""
    rows = []
    for seed in seeds:
        for case, fold in (("d", 1), ("a", 0), ("c", 1), ("b", 0)):
            row = {"arm": "m", "seed": seed, "fold": fold, "part": "test", "case_id": case}
            s = 0.8 if case in "ac" else 0.5
            edges = (10.0, 20.0) if fold == 0 else (5.0, 15.0, 40.0)
            for k, edge in enumerate(edges):
                row |= {f"edge_{k}": edge, f"survival_{k}": (s - 0.1 * seed) ** (k + 1)}
            rows.append(row | {"risk": 1.0})
    return pd.DataFrame(rows)


def test_between_edges_the_hazard_is_constant() -> None:
    found = curves_of(table(), truth=TRUTH, splits=SPLITS, times_months=[0, 5, 10, 15, 20])
    assert found[0] == pytest.approx([1, 0.8**0.5, 0.8, 0.8**1.5, 0.64])
    assert found[2] == pytest.approx([1, 0.8, 0.8**1.5, 0.64, 0.64 * 0.8 ** (5 / 25)])


def test_curves_are_averaged_over_seeds() -> None:
    found = curves_of(table(seeds=(0, 1)), truth=TRUTH, splits=SPLITS, times_months=[10.0])
    assert found[:2, 0] == pytest.approx([(0.8 + 0.7) / 2, (0.5 + 0.4) / 2])


def test_nothing_is_said_beyond_the_last_edge() -> None:
    curves = curves_in(table(), truth=TRUTH, splits=SPLITS)
    assert curves is not None
    assert curves.range_months == 20
    assert curves.last_months.tolist() == [20, 20, 40, 40]
    assert np.isnan(curves.at(np.array([[30.0]]))[:, 0]).tolist() == [True, True, False, False]
    with pytest.raises(ConfigError, match="every fold speaks about 0 to 20 only"):
        curves_of(table(), truth=TRUTH, splits=SPLITS, times_months=[30.0])


def test_arms_without_curves_and_cases_of_other_folds_are_refused() -> None:
    plain = table()[["arm", "seed", "fold", "part", "case_id", "risk"]]
    assert curves_in(plain, truth=TRUTH, splits=SPLITS) is None
    with pytest.raises(ConfigError, match="has no survival curves"):
        curves_of(plain, truth=TRUTH, splits=SPLITS, times_months=[1.0])
    moved = table().assign(fold=0)
    with pytest.raises(ArtifactError, match="seed 0 does not test every case once"):
        curves_in(moved, truth=TRUTH, splits=SPLITS)
    partly = table()
    partly.loc[partly["fold"] == 1, [c for c in partly if c.startswith("edge")]] = np.nan
    assert curves_in(partly, truth=TRUTH, splits=SPLITS) is None


@settings(deadline=None, max_examples=50, derandomize=True)
@given(times=st.lists(st.floats(0, 20), min_size=1, max_size=20), dead=st.booleans())
def test_curves_fall_from_1_and_stay_in_range(times: list[float], *, dead: bool) -> None:
    frame = table()
    if dead:
        frame.loc[0, ["survival_1", "survival_2"]] = 0.0
    found = curves_of(frame, truth=TRUTH, splits=SPLITS, times_months=sorted(times))
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found, axis=1) <= 1e-15).all()
