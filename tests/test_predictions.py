"""Prediction tables: what is written, and which curves are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shazam.errors import ArtifactError
from shazam.predictions import read_predictions, write_predictions
from shazam.workspace import Workspace

KEYS = {"arm": "a", "seed": 0, "fold": [0, 1], "part": "test", "case_id": ["x", "y"]}
CURVES = {
    "edge_0": [5.0, 6.0],
    "edge_1": [9.0, np.nan],
    "survival_0": [0.9, 1.0],
    "survival_1": [0.0, np.nan],
}


def _table(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({**KEYS, "risk": [0.1, 0.2], **CURVES, **columns})


def test_curves_of_folds_with_other_edges_are_kept(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    ref = write_predictions(_table(), tmp_path / "p.parquet", workspace=workspace)
    pd.testing.assert_frame_equal(read_predictions(ref, workspace=workspace), _table())


@pytest.mark.parametrize(
    "columns",
    [
        {"edge_1": [5.0, np.nan]},
        {"edge_0": [0.0, 6.0]},
        {"survival_0": [1.1, 1.0]},
        {"survival_1": [0.95, np.nan]},
        {"survival_1": [-0.1, np.nan]},
        {"survival_1": [np.nan, np.nan]},
        {"survival_1": [0.1, 0.1]},
    ],
)
def test_curves_that_are_none_are_refused(tmp_path: Path, columns: dict[str, list[float]]) -> None:
    with pytest.raises(ArtifactError, match="arm a has curves whose edges do not rise"):
        write_predictions(_table(**columns), tmp_path / "p.parquet", workspace=Workspace(tmp_path))


def test_curves_without_their_survival_are_refused(tmp_path: Path) -> None:
    table = _table().drop(columns="survival_1")
    with pytest.raises(ArtifactError, match=r"lack the column\(s\) survival_1"):
        write_predictions(table, tmp_path / "p.parquet", workspace=Workspace(tmp_path))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_is_refused_by_arm_and_case(tmp_path: Path, value: float) -> None:
    table = _table(risk=[0.1, value])
    with pytest.raises(ArtifactError, match="arm a predicts NaN or infinity in 1 row") as refused:
        write_predictions(table, tmp_path / "p.parquet", workspace=Workspace(tmp_path))
    assert "such as case y of fold 1 with seed 0" in str(refused.value)
    assert list(tmp_path.iterdir()) == []
