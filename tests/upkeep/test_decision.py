"""Which counts suffice to train again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shazam.config.retraining import LostCases, RetrainingConfig
from shazam.errors import ConfigError, ExitCode
from shazam.upkeep.decision import decide
from shazam.upkeep.new_data import NewData, OutcomeChange, OutcomeKind

ACCEPTING = RetrainingConfig(lost_cases=LostCases.ACCEPT)


def names(count: int) -> tuple[str, ...]:
    return tuple(f"c{number}" for number in range(count))


def outcomes(kind: OutcomeKind, count: int) -> NewData:
    return NewData(outcomes=tuple(OutcomeChange(name, kind, "-", "+") for name in names(count)))


def test_nothing_is_new():
    found = decide(NewData(), config=RetrainingConfig())
    assert (found.retrain, found.reasons) == (False, ("nothing is new",))


@given(count=st.integers(0, 6), needed=st.integers(1, 5))
def test_each_count_has_its_own_threshold(count, needed):
    kinds = {
        "min_new_cases": NewData(new_cases=names(count)),
        "min_new_events": outcomes(OutcomeKind.CAME, count),
        "min_longer_follow_ups": outcomes(OutcomeKind.LONGER, count),
        "min_changed_cases": outcomes(OutcomeKind.CORRECTED, count),
    }
    for key, found in kinds.items():
        high = {name: 1000 for name in kinds if name != key}
        decision = decide(found, config=RetrainingConfig(**{**high, key: needed}))
        assert decision.retrain is (count >= needed)
        assert not decide(found, config=RetrainingConfig(**high, **{key: 1000})).retrain


def test_longer_follow_up_alone_never_suffices_unless_asked():
    found = outcomes(OutcomeKind.LONGER, 500)
    decision = decide(found, config=RetrainingConfig())
    assert (decision.retrain, decision.reasons) == (
        False,
        ("500 longer follow-ups (never counted)",),
    )


def test_counts_are_not_added_up():
    found = NewData(new_cases=names(2), outcomes=outcomes(OutcomeKind.CAME, 2).outcomes)
    assert not decide(found, config=RetrainingConfig(min_new_cases=3, min_new_events=3)).retrain


@pytest.mark.parametrize(
    "found",
    [
        NewData(slide_cases=("a",)),
        NewData(changed_sites=("a",)),
        NewData(changed_clinical=("a",)),
        NewData(changed_files=("uni/a.h5",)),
        NewData(changed_tables=("counts/counts.npz",)),
    ],
)
def test_what_no_longer_holds_counts_as_a_changed_case(found):
    assert decide(found, config=RetrainingConfig()).retrain
    assert not decide(found, config=RetrainingConfig(min_changed_cases=2)).retrain


def test_a_case_that_changed_in_several_ways_counts_once():
    found = NewData(slide_cases=("a",), changed_sites=("a",), changed_clinical=("a",))
    assert not decide(found, config=RetrainingConfig(min_changed_cases=2)).retrain


def test_a_table_that_only_grew_with_its_cases_does_not_count():
    found = NewData(new_cases=("d",), changed_tables=("counts/counts.npz",))
    assert not decide(found, config=RetrainingConfig(min_new_cases=2)).retrain


def test_lost_cases_are_refused_unless_accepted_and_then_count():
    found = NewData(lost_cases=names(12))
    with pytest.raises(ConfigError, match=r"12 cases .* \(c0, .*c9, \.\.\.\)") as caught:
        decide(found, config=RetrainingConfig())
    assert caught.value.exit_code is ExitCode.CONFIGURATION
    assert decide(found, config=ACCEPTING).retrain
