"""The clinical arm: what is learnt from training cases only, and what a table may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from shazam.cohort.folds import Splits
from shazam.cohort.model import Case
from shazam.config.cohort import Task
from shazam.config.training import TrainingConfig
from shazam.errors import ConfigError
from shazam.models.clinical import ClinicalModel
from shazam.models.heads import Head
from shazam.training.clinical import fit_clinical
from shazam.training.clinical_columns import column_kinds
from shazam.training.outcomes import Outcomes, rows_of
from tests.training.made import make_case_study

CONFIG = TrainingConfig(seeds=(0, 3))


def _study(task: Task = Task.SURVIVAL, *, n_cases: int = 60) -> tuple[list[Case], Outcomes, Splits]:
    """Return cases whose age and stage tell the outcome, some values missing."""
    bags, outcomes, splits = make_case_study(task, n_cases=n_cases, seed=1)
    generator = np.random.default_rng(0)
    order = outcomes.class_labels() if task is Task.CLASSIFICATION else -outcomes.survival()[0]
    rank = np.argsort(np.argsort(order)) / n_cases
    cases = [
        Case(
            case_id=case_id,
            site=None,
            time_months=None,
            event=None,
            label=None,
            clinical=(
                ("age", "" if index % 7 == 0 else f"{50 + 20 * rank[index]:.1f}"),
                ("sex", str(generator.choice(["female", "male"]))),
                ("stage", "[Not Available]" if index % 11 == 0 else f"T{1 + int(3 * rank[index])}"),
            ),
        )
        for index, case_id in enumerate(bags.case_ids)
    ]
    return cases, outcomes, splits


def _with(cases: Sequence[Case], column: str, values: Sequence[str]) -> list[Case]:
    """Return the cases with other values in one column."""
    return [
        replace(case, clinical=tuple((dict(case.clinical) | {column: value}).items()))
        for case, value in zip(cases, values, strict=True)
    ]


@pytest.mark.parametrize("task", [Task.SURVIVAL, Task.CLASSIFICATION])
def test_every_case_is_predicted_once_per_seed_by_the_same_fit(task: Task) -> None:
    cases, outcomes, splits = _study(task)
    result = fit_clinical(cases, outcomes=outcomes, splits=splits, config=CONFIG)
    table = result.predictions
    scores = ["risk"] if task is Task.SURVIVAL else ["prob_high", "prob_low", "prob_mid"]
    expected = ["arm", "seed", "fold", "part", "case_id", *scores, "remark"]
    assert list(table.columns[: len(expected)]) == expected
    assert (len(table.columns) > len(expected)) is (task is Task.SURVIVAL)
    assert table[["seed", "fold"]].dtypes.tolist() == [np.int64, np.int64]
    for number, fold in enumerate(splits.folds):
        for part in ("validation", "test"):
            rows = table.query(f"seed == 3 and fold == {number} and part == '{part}'")
            assert tuple(rows["case_id"]) == fold.parts[part]
    first, second = (table[table["seed"] == seed].drop(columns="seed") for seed in (0, 3))
    pd.testing.assert_frame_equal(first.reset_index(drop=True), second.reset_index(drop=True))
    assert len(result.members) == len(splits.folds)


def test_the_fit_is_a_ridge_cox_on_the_encoded_table() -> None:
    cases, outcomes, splits = _study()
    result = fit_clinical(cases, outcomes=outcomes, splits=splits, config=CONFIG)
    train = [case for case in cases if case.case_id in splits.folds[0].train]
    frame = pd.DataFrame([dict(case.clinical) for case in train])
    age = pd.to_numeric(frame["age"], errors="coerce")
    design = pd.DataFrame({"age": ((age - age.mean()) / age.std(ddof=0)).fillna(0.0)})
    design["no age"] = age.isna().astype(float)
    for column in ("sex", "stage"):
        for name in sorted(set(frame[column]) - {"[Not Available]"}):
            design[name] = (frame[column] == name).astype(float)
    design["no stage"] = (frame["stage"] == "[Not Available]").astype(float)
    time_months, event = outcomes.survival()
    rows = rows_of(splits.folds[0].train, case_ids=outcomes.case_ids)
    expected = CoxPHSurvivalAnalysis(alpha=CONFIG.ridge)
    expected.fit(design.to_numpy(), Surv.from_arrays(event=event[rows], time=time_months[rows]))
    np.testing.assert_allclose(result.members[0].weights[0], expected.coef_, rtol=1e-6)


def test_values_and_outcomes_of_tested_cases_leave_the_fit_alone() -> None:
    cases, outcomes, splits = _study()
    one_fold = Splits(folds=splits.folds[:1], sites_preserved=False)
    before = fit_clinical(cases, outcomes=outcomes, splits=one_fold, config=CONFIG)
    tested = set(splits.folds[0].test)
    ages = ["999" if case.case_id in tested else dict(case.clinical)["age"] for case in cases]
    stages = ["T9" if case.case_id in tested else dict(case.clinical)["stage"] for case in cases]
    rows = rows_of(splits.folds[0].test, case_ids=outcomes.case_ids)
    time_months = outcomes.survival()[0].copy()
    time_months[rows] = 777.0
    altered = _with(_with(cases, "age", ages), "stage", stages)
    after = fit_clinical(
        altered,
        outcomes=replace(outcomes, time_months=time_months),
        splits=one_fold,
        config=CONFIG,
    )
    assert after.members == before.members


def test_an_unseen_category_is_all_zero_and_marked() -> None:
    cases, outcomes, splits = _study()
    tested = splits.folds[0].test[0]
    stages = ["T9" if c.case_id == tested else dict(c.clinical)["stage"] for c in cases]
    result = fit_clinical(
        _with(cases, "stage", stages), outcomes=outcomes, splits=splits, config=CONFIG
    )
    table = result.predictions.query("fold == 0 and seed == 0").set_index("case_id")
    assert table.loc[tested, "remark"] == "stage 'T9' was not seen in training"
    assert (table.drop(index=tested)["remark"] == "").all()
    member = result.members[0]
    stage = next(column for column in member.columns if column.name == "stage")
    assert stage.encode("T9")[0] == [0.0] * stage.width


def test_a_model_on_disk_scores_a_table() -> None:
    cases, outcomes, splits = _study()
    result = fit_clinical(cases, outcomes=outcomes, splits=splits, config=CONFIG)
    model = ClinicalModel.model_validate_json(result.model({}).model_dump_json())
    assert model == result.model({})
    rows = [dict(case.clinical) for case in cases]
    found = model.predict(rows, case_ids=outcomes.case_ids)
    parts = [
        (member.scores(rows, head=Head.LINEAR_RISK)[:, 0] - member.validation_mean)
        / member.validation_sd
        for member in result.members
    ]
    np.testing.assert_allclose(found["risk"], np.mean(parts, axis=0))
    alone = model.predict(rows[7:8], case_ids=["x"])
    assert alone["risk"][0] == pytest.approx(found["risk"][7])
    odd = model.predict([{"age": "old", "sex": "male", "stage": "T1"}], case_ids=["x"])
    assert odd["remark"][0] == "age 'old' is no usable number"
    with pytest.raises(ConfigError, match="no clinical column sex"):
        model.predict([{"age": "1", "stage": "T1"}], case_ids=["x"])


def test_its_signal_is_learnt() -> None:
    cases, outcomes, splits = _study(Task.CLASSIFICATION)
    result = fit_clinical(cases, outcomes=outcomes, splits=splits, config=CONFIG)
    tested = result.predictions.query("part == 'test' and seed == 0").set_index("case_id")
    probabilities = tested.loc[list(outcomes.case_ids), ["prob_high", "prob_low", "prob_mid"]]
    right = probabilities.to_numpy().argmax(axis=1) == outcomes.class_labels()
    assert right.mean() > 0.7


@pytest.mark.parametrize("value", ["inf", "-Infinity", "1e400", "1e13"])
def test_an_infinite_value_is_named(value: str) -> None:
    cases, outcomes, splits = _study()
    ages = [dict(case.clinical)["age"] for case in cases]
    ages[5] = value
    with pytest.raises(ConfigError, match=r"'age': case 'case005' has '.*', which is infinite"):
        fit_clinical(_with(cases, "age", ages), outcomes=outcomes, splits=splits, config=CONFIG)


@pytest.mark.parametrize("value", ["", "NA", "T2", "7.5"])
def test_a_column_that_is_missing_or_constant_says_nothing(value: str) -> None:
    cases, outcomes, splits = _study()
    flat = _with(cases, "age", [value] * len(cases))
    result = fit_clinical(flat, outcomes=outcomes, splits=splits, config=CONFIG)
    bare = [replace(case, clinical=case.clinical[1:]) for case in cases]
    expected = fit_clinical(bare, outcomes=outcomes, splits=splits, config=CONFIG)
    difference = result.predictions["risk"] - expected.predictions["risk"]
    # a category that all cases have adds the same to all
    assert difference.groupby(result.predictions["fold"]).std().max() < 1e-9


@pytest.mark.parametrize("task", [Task.SURVIVAL, Task.CLASSIFICATION])
def test_a_fold_whose_columns_do_not_vary_tells_no_case_apart(task: Task) -> None:
    cases, outcomes, splits = _study(task)
    trained = set(splits.folds[0].train)
    same = [replace(case, clinical=(("age", "50"),)) for case in cases]
    ages = ["50" if case.case_id in trained else f"{index}" for index, case in enumerate(cases)]
    result = fit_clinical(_with(same, "age", ages), outcomes=outcomes, splits=splits, config=CONFIG)
    column = "risk" if task is Task.SURVIVAL else "prob_low"
    scores = result.predictions.query("fold == 0")[column]
    assert (scores == scores.iloc[0]).all()


def test_columns_that_cannot_be_used_are_refused() -> None:
    cases, outcomes, splits = _study()
    numbers = [str(index) for index in range(len(cases))]
    numbers[4] = "6o"
    with pytest.raises(
        ConfigError, match="60 different values, 1 of them no numbers, such as '6o'"
    ):
        column_kinds(_with(cases, "age", numbers))
    with pytest.raises(ConfigError, match="60 different values, 60 of them no"):
        column_kinds(_with(cases, "sex", [case.case_id for case in cases]))
    nothing = [replace(case, clinical=(("age", "5"), ("sex", ""))) for case in cases]
    with pytest.raises(ConfigError, match=r"no clinical column varies .*\(age, sex\)"):
        fit_clinical(nothing, outcomes=outcomes, splits=splits, config=CONFIG)
    bare = [replace(case, clinical=()) for case in cases]
    with pytest.raises(ConfigError, match=r"there is none"):
        fit_clinical(bare, outcomes=outcomes, splits=splits, config=CONFIG)


def test_folds_that_cannot_be_learnt_from_are_refused() -> None:
    cases, outcomes, splits = _study()
    time_months, event = outcomes.survival()
    nobody = replace(outcomes, time_months=time_months, event=np.zeros_like(event))
    with pytest.raises(ConfigError, match="fold 0: training lacks an event"):
        fit_clinical(cases, outcomes=nobody, splits=splits, config=CONFIG)
