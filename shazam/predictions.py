"""Prediction tables: one row per arm, seed, fold, part and case, as Parquet.

Columns ``arm``, ``seed``, ``fold``, ``part`` (``validation`` or ``test``), ``case_id``, then
``risk`` (survival; higher is higher risk), or one ``prob_<class>`` for each class, or one
``value_<target>`` for each target of regression. The canary's table also has ``permutation``.
Networks add what the scores were made of, ``output_<k>``: logits of hazards or classes, or the
risk; NaN where a fold has fewer intervals than another. LogitProd adds ``weight_<arm>``, one weight
for each arm and unit; the clinical arm ``remark``. Where cases
lack teachers that the arm reads, ``n_teachers_missing`` counts them.
Arms that tell survival curves add ``edge_<k>`` (months, increasing) and ``survival_<k>`` (S at
that edge); NaN where a fold has fewer edges than another. S(0) = 1, between edges the hazard is
constant, and nothing is said beyond the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from shazam.errors import ArtifactError
from shazam.publish import publish
from shazam.refs import PredictionsRef
from shazam.workspace import Workspace

KEYS = ("arm", "seed", "fold", "part", "case_id")
_PREFIXES = ("prob_", "value_")
_WEIGHT = "weight_"


N_MISSING = "n_teachers_missing"


def n_missing_of(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """Return how many of the arm's teachers each row's case lacks, int64 ``[n_rows]``."""
    if N_MISSING not in frame.columns:
        return np.zeros(len(frame), dtype=np.int64)
    counts: npt.NDArray[np.int64] = frame[N_MISSING].to_numpy(dtype=np.int64)
    return counts


def score_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns that hold scores: ``risk``, class probabilities, or values."""
    return [name for name in frame.columns if name == "risk" or name.startswith(_PREFIXES)]


def output_columns(n_outputs: int) -> list[str]:
    """Return the columns that hold a network's outputs."""
    return [f"output_{number}" for number in range(n_outputs)]


def curve_columns(n_edges: int) -> tuple[list[str], list[str]]:
    """Return the columns that hold the edges of curves, and S at them."""
    numbers = range(n_edges)
    return [f"edge_{n}" for n in numbers], [f"survival_{n}" for n in numbers]


def n_edges_of(frame: pd.DataFrame) -> int:
    """Return how many edges the curves of a table have at most; 0 where it holds no curves."""
    return sum(name.startswith("edge_") for name in frame.columns)


def weight_columns(arms: Sequence[str]) -> list[str]:
    """Return the columns that hold the weights of arms in a fusion."""
    return [f"{_WEIGHT}{arm}" for arm in arms]


def weights_of(frame: pd.DataFrame) -> dict[str, str]:
    """Return the arms that a table's fusion is made of, and the columns of their weights."""
    return {name.removeprefix(_WEIGHT): name for name in frame.columns if name.startswith(_WEIGHT)}


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
    finite = np.isfinite(frame[scores].to_numpy(dtype=np.float64)).all(axis=1)
    if not finite.all():
        first = frame.loc[~finite, list(KEYS)].iloc[0]
        raise ArtifactError(
            f"{path}: arm {first['arm']} predicts NaN or infinity in {(~finite).sum()} row(s), "
            f"such as case {first['case_id']} of fold {first['fold']} with seed {first['seed']}; "
            "train it again with a smaller learning rate, or look at that case's features"
        )
    _check_curves(frame, path)


def _check_curves(frame: pd.DataFrame, path: Path) -> None:
    edge, survival = curve_columns(n_edges_of(frame))
    arm = frame["arm"].iloc[0]
    if missing := [name for name in (*edge, *survival) if name not in frame.columns]:
        raise ArtifactError(f"{path}: curves of arm {arm} lack the column(s) {', '.join(missing)}")
    edges, s = frame[edge].to_numpy(np.float64), frame[survival].to_numpy(np.float64)
    known = ~np.isnan(edges)
    rising = (np.diff(edges, axis=1, prepend=0.0) > 0) | ~known
    falling = (np.diff(s, axis=1, prepend=1.0) <= 0) & (s >= 0) | ~known
    if not (rising.all() and falling.all() and (known == ~np.isnan(s)).all()):
        raise ArtifactError(
            f"{path}: arm {arm} has curves whose edges do not rise from 0 or whose survival does "
            "not fall from 1; train it again"
        )
