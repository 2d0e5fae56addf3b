from __future__ import annotations

import numpy as np
import pytest

from shazam.cohort.folds import Fold, Splits
from shazam.cohort.model import Case, Cohort
from shazam.config.cohort import Task
from shazam.errors import ConfigError
from shazam.training.learnable import check_learnable, permuted
from shazam.training.outcomes import outcomes_of, rows_of
from tests.training.made import make_case_study


def _case(name: str, *, time_months: float | None, label: str | None = None) -> Case:
    event = None if time_months is None else time_months > 5
    return Case(name, None, time_months, event, label, ())


def test_outcomes_follow_the_order_asked_for() -> None:
    cases = (_case("a", time_months=3.0), _case("b", time_months=8.0))
    outcomes = outcomes_of(Cohort(Task.SURVIVAL, cases, ()), ("b", "a"))
    time_months, event = outcomes.survival()
    assert time_months.tolist() == [8.0, 3.0]
    assert event.tolist() == [True, False]
    assert outcomes.task is Task.SURVIVAL


def test_labels_are_numbered_by_the_sorted_classes() -> None:
    cases = tuple(_case(n, time_months=None, label=v) for n, v in (("a", "z"), ("b", "m")))
    outcomes = outcomes_of(Cohort(Task.CLASSIFICATION, cases, ()), ("a", "b"))
    assert outcomes.classes == ("m", "z")
    assert outcomes.class_labels().tolist() == [1, 0]


def test_unknown_cases_and_missing_outcomes_are_named() -> None:
    cohort = Cohort(Task.SURVIVAL, (_case("a", time_months=None),), ())
    with pytest.raises(ConfigError, match="cohort table: x"):
        outcomes_of(cohort, ("x",))
    with pytest.raises(ConfigError, match="1 cases have no time"):
        outcomes_of(cohort, ("a",))
    with pytest.raises(ConfigError, match="without features: x"):
        rows_of(("x",), case_ids=("a",))


def test_permutation_moves_pairs_of_time_and_event_between_cases() -> None:
    _, outcomes, splits = make_case_study(Task.SURVIVAL)
    drawn = permuted(outcomes, splits=splits, seed=1)
    before = sorted(zip(*(values.tolist() for values in outcomes.survival()), strict=True))
    after = sorted(zip(*(values.tolist() for values in drawn.survival()), strict=True))
    assert after == before
    assert not np.array_equal(drawn.survival()[0], outcomes.survival()[0])
    again = permuted(outcomes, splits=splits, seed=1)
    assert np.array_equal(again.survival()[0], drawn.survival()[0])


def test_permutation_keeps_every_class_in_every_training_part() -> None:
    _, outcomes, splits = make_case_study(Task.CLASSIFICATION)
    check_learnable(permuted(outcomes, splits=splits, seed=3), splits=splits)


def test_a_training_part_without_events_is_refused() -> None:
    cases = (_case("a", time_months=3.0), _case("b", time_months=8.0))
    outcomes = outcomes_of(Cohort(Task.SURVIVAL, cases, ()), ("a", "b"))
    fold = Fold(train=("a",), validation=(), test=("b",))
    splits = Splits(folds=(fold,), sites_preserved=False)
    with pytest.raises(ConfigError, match="fold 0: training lacks an event"):
        check_learnable(outcomes, splits=splits)
