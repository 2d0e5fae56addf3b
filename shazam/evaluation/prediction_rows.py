"""One row per arm: what the contract on predictions is checked on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from shazam.cohort.folds import Splits
from shazam.predictions import score_columns

_CASE = ["seed", "fold", "part", "case_id"]


def prediction_rows(tables: Mapping[str, pd.DataFrame], *, splits: Splits) -> pd.DataFrame:
    """Return one row per arm.

    Args:
        tables: the predictions table of each arm.
        splits: the folds that every arm was fitted in.
    """
    return pd.DataFrame([_row(arm, table, splits) for arm, table in sorted(tables.items())])


def _row(arm: str, table: pd.DataFrame, splits: Splits) -> dict[str, object]:
    tested = table[table["part"] == "test"]
    scores = table[score_columns(table)].to_numpy(np.float64)
    classes = [name for name in score_columns(table) if name.startswith("prob_")]
    return {
        "arm": arm,
        "n_tested": len(tested[["seed", "case_id"]].drop_duplicates()),
        "n_tested_expected": table["seed"].nunique() * sum(len(fold.test) for fold in splits.folds),
        "n_repeated": int(table.duplicated(_CASE).sum()),
        "n_elsewhere": _n_elsewhere(table, splits),
        "n_not_finite": int((~np.isfinite(scores)).any(axis=1).sum()),
        "spread": _spread(scores),
        **({"worst_sum": _worst_sum(table[classes].to_numpy(np.float64))} if classes else {}),
    }


def _n_elsewhere(table: pd.DataFrame, splits: Splits) -> int:
    allowed = {
        (number, part, case_id)
        for number, fold in enumerate(splits.folds)
        for part in ("validation", "test")
        for case_id in fold.parts[part]
    }
    given = zip(table["fold"], table["part"], table["case_id"], strict=True)
    return sum(place not in allowed for place in given)


def _spread(scores: np.ndarray) -> float:
    known = scores[np.isfinite(scores).all(axis=1)]
    return float(np.ptp(known, axis=0).max()) if len(known) else 0.0


def _worst_sum(probabilities: np.ndarray) -> float:
    """Return the sum of a case's probabilities that lies farthest from 1, minus 1."""
    off = probabilities.sum(axis=1) - 1
    known = off[np.isfinite(off)]
    return float(known[np.abs(known).argmax()]) if len(known) else 0.0
