"""Criteria that differ are refused, or accepted with a reason."""

import pytest

from shazam.config import Config
from shazam.config.cohort import CohortConfig
from shazam.config.extraction import ExtractionConfig
from shazam.config.retraining import LostCases, RetrainingConfig
from shazam.digest import digest_of
from shazam.errors import ConfigError, ExitCode
from shazam.upkeep.criteria import accepted_criteria, changed_criteria, other_changes
from tests.evaluation import made

BEFORE = Config(
    cohort=CohortConfig(name="demo"),
    extraction=ExtractionConfig(teachers=("lite0", "lite1")),
    acceptance=made.ACCEPTANCE,
)


def changed(**sections: dict[str, object]) -> Config:
    update = {
        name: getattr(BEFORE, name).model_copy(update=values) for name, values in sections.items()
    }
    return BEFORE.model_copy(update=update)


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("acceptance", {"margin": 0.5}),
        ("acceptance", {"floor": 0.1}),
        ("evaluation", {"bootstrap": 101}),
        ("splits", {"n_folds": 3}),
    ],
)
def test_a_section_that_judges_is_refused_with_both_digests_and_accepted_with_a_reason(
    section, values
):
    now = changed(**{section: values})
    (change,) = changes = changed_criteria(BEFORE, now)
    digests = digest_of(getattr(BEFORE, section)), digest_of(getattr(now, section))
    assert (change.section, (change.before, change.now)) == (section, digests)
    for why in (None, "", "  "):
        with pytest.raises(ConfigError, match="--accept-new-criteria") as caught:
            accepted_criteria(changes, version="7", why=why)
        assert caught.value.exit_code is ExitCode.CONFIGURATION
        assert all(digest in str(caught.value) for digest in digests)
        assert "version 7" in str(caught.value)
    recorded = accepted_criteria(changes, version="7", why=" because ")
    assert recorded is not None
    assert (recorded.why, recorded.version) == ("because", "7")
    assert (recorded.before[section], recorded.now[section]) == digests


def test_equal_criteria_need_no_reason_and_record_none():
    now = changed(training={"max_epochs": 3})
    assert changed_criteria(BEFORE, now) == ()
    assert accepted_criteria((), version="7", why="for no reason") is None
    assert other_changes(BEFORE, now) == ("training.max_epochs",)


def test_thresholds_are_no_change_and_leave_the_digest_of_a_run_as_it_was():
    now = BEFORE.model_copy(
        update={"retraining": RetrainingConfig(min_new_cases=9, lost_cases=LostCases.ACCEPT)}
    )
    assert changed_criteria(BEFORE, now) == other_changes(BEFORE, now) == ()
    assert digest_of(now.asked()) == digest_of(BEFORE.asked())


def test_accepted_criteria_are_part_of_what_is_asked():
    recorded = accepted_criteria(
        changed_criteria(BEFORE, changed(acceptance={"margin": 0.5})), version="7", why="because"
    )
    now = BEFORE.model_copy(update={"retraining": RetrainingConfig(new_criteria=recorded)})
    assert now.asked().retraining.new_criteria == recorded
    assert digest_of(now.asked()) != digest_of(BEFORE.asked())
