"""The section on retraining."""

import json

import pytest
from pydantic import ValidationError

from shazam.config import load_config
from shazam.config.retraining import LostCases, NewCriteria, RetrainingConfig
from shazam.errors import ConfigError
from shazam.stages import SOURCE_ROOT

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


def test_nobody_records_accepted_criteria_by_hand(tmp_path):
    text = (SOURCE_ROOT / "configs" / "demo.yaml").read_text()
    (tmp_path / "demo.acceptance.yaml").write_text(
        (SOURCE_ROOT / "configs" / "demo.acceptance.yaml").read_text()
    )
    path = tmp_path / "own.yaml"
    path.write_text(text)
    load_config(path)
    with pytest.raises(ConfigError, match=r"retraining\.new_criteria is no setting"):
        load_config(path, overrides=[f"retraining.new_criteria={json.dumps(RECORDED)}"])
