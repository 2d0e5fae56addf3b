"""What cannot be learnt is refused before training starts, with its fold, case and column."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shazam.cohort.folds import Fold, Splits
from shazam.config.cohort import Task
from shazam.errors import ConfigError
from shazam.training.learnable import check_finite, check_learnable, permuted, varies
from shazam.training.outcomes import Outcomes, rows_of
from shazam.training.study import Study
from tests.training.made import make_case_study, make_splits_of


def _refused(task: Task, *, altered: Outcomes) -> str:
    bags, _, splits = make_case_study(task)
    with pytest.raises(ConfigError) as refusal:
        Study.of(bags, outcomes=altered, splits=splits)
    return str(refusal.value)


def test_training_without_an_event_is_refused() -> None:
    _, outcomes, splits = make_case_study(Task.SURVIVAL)
    event = np.ones(45, dtype=bool)
    event[rows_of(splits.folds[1].train, case_ids=outcomes.case_ids)] = False
    text = _refused(Task.SURVIVAL, altered=replace(outcomes, event=event))
    assert "fold 1: training lacks an event; use fewer folds" in text


def test_training_without_a_class_is_refused_by_its_name() -> None:
    _, outcomes, splits = make_case_study(Task.CLASSIFICATION)
    labels = outcomes.class_labels().copy()
    labels[rows_of(splits.folds[0].train, case_ids=outcomes.case_ids)] %= 2
    text = _refused(Task.CLASSIFICATION, altered=replace(outcomes, labels=labels))
    assert "fold 0: training lacks cases of class mid" in text


@pytest.mark.parametrize("left", [np.nan, 3.0])
def test_a_constant_or_unmeasured_target_is_refused_by_its_name(left: float) -> None:
    _, outcomes, splits = make_case_study(Task.REGRESSION)
    values = outcomes.target_values().copy()
    values[rows_of(splits.folds[2].train, case_ids=outcomes.case_ids), 1] = left
    text = _refused(Task.REGRESSION, altered=replace(outcomes, values=values))
    assert "fold 2: training lacks two different values of target HLA-A" in text


def test_a_target_that_no_test_part_can_judge_is_refused_before_training() -> None:
    _, outcomes, splits = make_case_study(Task.REGRESSION)
    values = outcomes.target_values().copy()
    values[:, 1] = np.nan
    for number, fold in enumerate(splits.folds):
        values[rows_of(fold.test[:1], case_ids=outcomes.case_ids), 1] = number
    whole = tuple(
        fold.model_copy(update={"train": (*fold.train, *fold.validation), "validation": ()})
        for fold in splits.folds
    )
    with pytest.raises(ConfigError, match="target HLA-A: no test part has two different values"):
        check_learnable(
            replace(outcomes, values=values), splits=splits.model_copy(update={"folds": whole})
        )


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
def test_a_time_that_is_no_number_is_refused_by_its_case(bad: float) -> None:
    _, outcomes, _ = make_case_study(Task.SURVIVAL)
    time_months = outcomes.survival()[0].copy()
    time_months[7] = bad
    text = _refused(
        Task.SURVIVAL,
        altered=replace(outcomes, time_months=time_months),
    )
    assert f"case 'case007': time_months is {bad:g}" in text


@pytest.mark.parametrize("bad", [np.inf, -np.inf, 1e31])
def test_a_value_that_is_no_number_is_refused_by_case_and_column(bad: float) -> None:
    _, outcomes, _ = make_case_study(Task.REGRESSION)
    values = outcomes.target_values().copy()
    values[3, 1] = bad
    text = _refused(Task.REGRESSION, altered=replace(outcomes, values=values))
    assert "case 'case003': HLA-A is" in text


def test_values_that_were_not_measured_are_no_fault() -> None:
    _, outcomes, splits = make_case_study(Task.REGRESSION)
    assert np.isnan(outcomes.target_values()).any()
    check_finite(outcomes)
    check_learnable(outcomes, splits=splits)


def test_rounding_is_no_variation() -> None:
    columns = np.array([[1.0, 0.0, 5.0, np.nan], [1.0 + 1e-12, 1e-12, np.nan, np.nan]])
    assert varies(columns).tolist() == [False, True, False, False]


def test_permutation_moves_all_values_of_a_case_together() -> None:
    _, outcomes, splits = make_case_study(Task.REGRESSION)
    drawn = permuted(outcomes, splits=splits, seed=1).target_values()
    before = sorted(map(str, outcomes.target_values().tolist()))
    assert sorted(map(str, drawn.tolist())) == before
    assert not np.array_equal(drawn, outcomes.target_values(), equal_nan=True)


def test_outcomes_that_no_permutation_makes_learnable_are_refused() -> None:
    values = np.array([[1.0], [1.0], [1.0], [2.0]])
    ids = ("a", "b", "c", "d")
    outcomes = Outcomes(ids, None, None, None, (), values, ("G",))
    fold = Fold(train=("a", "b"), validation=(), test=("c", "d"))
    other = Fold(train=("c", "d"), validation=(), test=("a", "b"))
    with pytest.raises(ConfigError, match="a training part without events, a class or a target"):
        permuted(outcomes, splits=Splits(folds=(fold, other), sites_preserved=False), seed=0)


def test_tiles_of_a_case_keep_one_outcome_when_outcomes_are_dealt_anew() -> None:
    ids = tuple(f"t{number:02d}" for number in range(40))
    groups = np.repeat(np.arange(10), 4)
    labels = (groups % 2).astype(np.int64)
    outcomes = Outcomes(ids, None, None, labels, ("a", "b"), groups=groups)
    splits = make_splits_of(ids)
    dealt = [permuted(outcomes, splits=splits, seed=seed).class_labels() for seed in range(5)]
    for found in dealt:
        assert all(len(set(found[groups == group])) == 1 for group in range(10))
        assert found.sum() == labels.sum()
    assert len({tuple(found) for found in dealt}) > 1
    own = replace(outcomes, labels=np.tile([0, 1], 20))
    mixed = permuted(own, splits=splits, seed=0).class_labels()
    assert any(len(set(mixed[groups == group])) == 2 for group in range(10))
    assert mixed.sum() == 20
