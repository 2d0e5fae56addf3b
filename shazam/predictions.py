"""Prediction tables: one row per arm, seed, fold, part and case, as Parquet.

Columns ``arm``, ``seed``, ``fold``, ``part`` (``validation`` or ``test``), ``case_id``, then
``risk`` (survival; higher is higher risk) or one ``prob_<class>`` for each class. Where cases lack
teachers that the arm reads, ``n_teachers_missing`` counts them. The canary's table also has
``permutation``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from shazam.errors import ArtifactError
from shazam.publish import publish
from shazam.refs import PredictionsRef
from shazam.workspace import Workspace

KEYS = ("arm", "seed", "fold", "part", "case_id")


N_MISSING = "n_teachers_missing"


def score_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns that hold scores: ``risk``, or the class probabilities."""
    return [name for name in frame.columns if name == "risk" or name.startswith("prob_")]


def write_predictions(frame: pd.DataFrame, path: Path, *, workspace: Workspace) -> PredictionsRef:
    """Publish a prediction table.

    Raises:
        ArtifactError: the table is not of the form above, or a score is NaN or infinite.
    """
    _check(frame, path)
    sha256 = publish(
        path,
        lambda target: frame.to_parquet(target, index=False),
        check=lambda target: _check(pd.read_parquet(target), path),
    )
    return PredictionsRef(
        uri=workspace.uri(path), sha256=sha256, arm=str(frame["arm"].iloc[0]), n_rows=len(frame)
    )


def read_predictions(ref: PredictionsRef, *, workspace: Workspace) -> pd.DataFrame:
    """Return the prediction table a ref names.

    Raises:
        ArtifactError: the file is missing, altered or not a prediction table.
    """
    path = workspace.open_ref(ref)
    frame = pd.read_parquet(path)
    _check(frame, path)
    return frame


def _check(frame: pd.DataFrame, path: Path) -> None:
    missing = [name for name in KEYS if name not in frame.columns]
    scores = score_columns(frame)
    if missing or not scores or frame.empty:
        raise ArtifactError(f"{path}: not a prediction table (missing {missing or 'scores'})")
    if not np.isfinite(frame[scores].to_numpy(dtype=np.float64)).all():
        raise ArtifactError(f"{path}: arm {frame['arm'].iloc[0]} predicts NaN or infinity")
