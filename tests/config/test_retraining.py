"""The section on retraining."""

import pytest
from pydantic import ValidationError

from shazam.config.retraining import LostCases, NewCriteria, RetrainingConfig

RECORDED = {"why": "a reason", "version": "2", "before": {"splits": "a" * 64}, "now": {}}


@pytest.mark.parametrize(
    "values",
    [
        {"min_new_cases": 0},
        {"min_new_events": -1},
        {"min_changed_cases": 0},
        {"min_longer_follow_ups": 0},
        {"lost_cases": "ignore"},
        {"min_cases": 1},
        {"new_criteria": {**RECORDED, "why": " "}},
        {"new_criteria": {**RECORDED, "before": {"splits": "no digest"}}},
    ],
)
def test_what_cannot_be_meant_is_refused(values):
    with pytest.raises(ValidationError):
        RetrainingConfig.model_validate(values)


def test_what_is_asked_of_a_run_is_the_record_alone():
    record = NewCriteria.model_validate(RECORDED)
    full = RetrainingConfig(min_new_cases=9, lost_cases=LostCases.ACCEPT, new_criteria=record)
    assert full.asked() == RetrainingConfig(new_criteria=record)
