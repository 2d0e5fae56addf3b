"""Splits that were altered by hand are not evaluated."""

from __future__ import annotations

import pytest

from shazam.cohort.folds import Splits
from shazam.errors import LeakError
from shazam.evaluation.evaluate import evaluate
from tests.evaluation import made

COHORT, SIGNAL = made.survival_cohort()
SPLITS = made.splits_of(COHORT)
TABLES = {
    arm: made.predictions(arm, SIGNAL, cohort=COHORT, splits=SPLITS, noise=0.5)
    for arm in ("fusion_student_v2", "late_ensemble")
}


def with_site_tested_twice() -> Splits:
    """Return the splits with one case of the first fold's test part tested in the second."""
    first, second, *others = SPLITS.folds
    case_id = first.test[0]
    fewer = {"test": tuple(name for name in first.test if name != case_id)}
    more = {
        "train": tuple(name for name in second.train if name != case_id),
        "validation": tuple(name for name in second.validation if name != case_id),
        "test": (*second.test, case_id),
    }
    folds = (first.model_copy(update=fewer), second.model_copy(update=more), *others)
    return SPLITS.model_copy(update={"folds": folds})


def with_validation_tested() -> Splits:
    first, *others = SPLITS.folds
    return SPLITS.model_copy(
        update={"folds": (first.model_copy(update={"validation": first.test}), *others)}
    )


@pytest.mark.parametrize(
    ("splits", "told"),
    [
        (with_site_tested_twice(), "fold 1: sites in test and (train|validation): site-"),
        (with_validation_tested(), "fold 0: cases in validation and test"),
    ],
)
def test_a_leak_stops_the_evaluation(splits: Splits, told: str) -> None:
    assert SPLITS.sites_preserved
    with pytest.raises(LeakError, match=told):
        evaluate(
            TABLES,
            cohort=COHORT,
            splits=splits,
            teachers=[made.teacher()],
            probe=made.probe_result(),
            acceptance=made.ACCEPTANCE,
            config=made.CONFIG,
        )
