"""What arms that are fused must share: task, cases, folds and seeds."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from shazam.cohort.folds import Splits
from shazam.errors import ConfigError
from shazam.predictions import score_columns

KEYS = ["seed", "fold", "part", "case_id"]


def aligned(predictions: Sequence[pd.DataFrame], *, fusion: str) -> list[pd.DataFrame]:
    """Return the arms' tables in one order of rows.

    Args:
        predictions: tables of the arms, a row per seed, fold, part and case.
        fusion: its name, for messages.

    Raises:
        ConfigError: no arm is given, one is given twice, or they have other rows or scores.
    """
    if not predictions:
        raise ConfigError(f"{fusion} needs at least one arm")
    ordered = [table.sort_values(KEYS, ignore_index=True) for table in predictions]
    first = ordered[0]
    for table in ordered[1:]:
        if score_columns(table) != score_columns(first):
            raise ConfigError(f"arms of {fusion} have other scores; use one task")
        if not table[KEYS].equals(first[KEYS]):
            raise ConfigError(f"arms of {fusion} have other cases, folds or seeds")
    return ordered


def check_folds(table: pd.DataFrame, *, splits: Splits, fusion: str) -> None:
    """Refuse arms that were fitted on other folds than these.

    Raises:
        ConfigError: a case stands in another fold or part.
    """
    expected = {
        (number, part, case_id)
        for number, fold in enumerate(splits.folds)
        for part in ("validation", "test")
        for case_id in fold.parts[part]
    }
    for seed, rows in table.groupby("seed"):
        found = set(zip(rows["fold"], rows["part"], rows["case_id"], strict=True))
        if len(rows) != len(expected) or found != expected:
            raise ConfigError(
                f"arms of {fusion} were fitted on other folds than these (seed {seed}); "
                "train them again"
            )
