"""Arms that predict no number, or one number for all: they fail, the others are still judged."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

from shazam.cohort.model import Cohort
from shazam.config.evaluation import EvaluationConfig
from shazam.digest import canonical_json
from shazam.evaluation.evaluate import evaluate
from shazam.evaluation.model_card import render_card
from shazam.evaluation.report import render_report
from shazam.evaluation.result import EvaluationResult
from tests.evaluation import made, made_report

NAN, INF = float("nan"), float("inf")
Spoil = Callable[[pd.DataFrame], pd.DataFrame]
ARMS = {"fusion_student_v2": 0.2, "late_ensemble": 0.5, "abmil.lite0": 1.5}


def filled(value: float, *, where: Callable[[pd.DataFrame], pd.Series | slice]) -> Spoil:
    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        spoilt = table.copy()
        told = [name for name in table if name.startswith(("risk", "prob_", "value_", "survival_"))]
        spoilt.loc[where(table), told] = value
        return spoilt

    return spoil


EVERYWHERE = filled(NAN, where=lambda table: slice(None))
ONE_FOLD = filled(NAN, where=lambda table: table["fold"] == 1)
INFINITE = filled(INF, where=lambda table: (table["fold"] == 1) & (table["seed"] == 1))
CONSTANT = filled(0.25, where=lambda table: slice(None))


def noisy(table: pd.DataFrame) -> pd.DataFrame:
    """Return what single precision makes of one prediction."""
    spoilt = CONSTANT(table)
    told = [name for name in table if name.startswith(("risk", "prob_", "value_"))]
    noise = np.random.default_rng(0).normal(size=(len(table), len(told)))
    spoilt[told] = spoilt[told].to_numpy() * (1 + 1e-7 * noise)
    return spoilt


SPOILT = {
    "all": EVERYWHERE,
    "fold": ONE_FOLD,
    "infinite": INFINITE,
    "constant": CONSTANT,
    "noise": noisy,
}


def judged(
    spoilt: str,
    spoil: Spoil,
    *,
    of: tuple[Cohort, np.ndarray] = made.survival_cohort(),
    chance: float = 0.5,
    metric: str = "harrell_c",
) -> EvaluationResult:
    cohort, signal = of
    splits = made.splits_of(cohort)
    tables = {
        arm: made.predictions(arm, signal, cohort=cohort, splits=splits, noise=noise, seeds=(0, 1))
        for arm, noise in ARMS.items()
    }
    return evaluate(
        {**tables, spoilt: spoil(tables[spoilt])},
        cohort=cohort,
        splits=splits,
        teachers=[made.teacher()],
        probe=made.probe_result(chance=chance, mean=chance + 0.01, metric=metric),
        acceptance=made.ACCEPTANCE,
        config=EvaluationConfig(bootstrap=100),
    )


@cache
def untouched() -> EvaluationResult:
    return judged("abmil.lite0", lambda table: table)


def page_of(result: EvaluationResult) -> str:
    content = canonical_json(result)
    assert "NaN" not in content.decode()
    assert "Infinity" not in content.decode()
    read_back = EvaluationResult.model_validate_json(content)
    assert read_back == result
    document = made_report.document().model_copy(update={"result": read_back})
    assert result.candidate in render_card(document)
    return render_report(read_back, context=document.context)


def sound(result: EvaluationResult) -> bool:
    return next(gate.passed for gate in result.gates if gate.name == "sound_predictions")


@pytest.mark.parametrize("kind", sorted(SPOILT))
@pytest.mark.parametrize("arm", sorted(ARMS))
def test_an_arm_that_says_nothing_fails_alone(arm: str, kind: str) -> None:
    result = judged(arm, SPOILT[kind])
    faults = {one.arm: one.faults for one in result.arms}
    (fault,) = faults.pop(arm)
    assert not any(faults.values())
    assert ("the same prediction" if kind in {"constant", "noise"} else "are no number") in fault
    assert sound(result) is (arm == "abmil.lite0")
    assert result.passed is (arm == "abmil.lite0")
    others = {one.arm: one for one in untouched().arms}
    assert [one for one in result.arms if one.arm != arm] == [
        others[one.arm] for one in result.arms if one.arm != arm
    ]
    if arm == "fusion_student_v2" or kind == "all":
        assert f"gave {fault}" in page_of(result)


def test_a_candidate_without_any_risk_has_no_groups_and_no_curves() -> None:
    result = judged("fusion_student_v2", EVERYWHERE)
    assert result.risk_groups is not None
    assert result.risk_groups.groups == ()
    assert result.survival is not None
    found = result.survival.arm("fusion_student_v2")
    assert (found.hazard_ratio, found.log_rank_p, found.calibration) == (None, None, None)
    page = page_of(result)
    assert "gave no risk that is a number" in page
    part = judged("fusion_student_v2", ONE_FOLD)
    assert part.risk_groups is not None
    n_missing = part.n_cases - sum(group.n_cases for group in part.risk_groups.groups)
    assert n_missing == part.folds[1].n_test
    assert f"{n_missing} case(s) without a risk" in page_of(part)


@pytest.mark.parametrize("kind", sorted(SPOILT))
@pytest.mark.parametrize(
    ("cohort", "chance", "metric"),
    [
        (made.class_cohort(), 1 / 3, "balanced_accuracy"),
        (made.value_cohort(), 0.0, "mean_pearson"),
    ],
)
def test_it_is_so_for_classes_and_for_values(
    cohort: tuple[Cohort, np.ndarray], chance: float, metric: str, kind: str
) -> None:
    result = judged("fusion_student_v2", SPOILT[kind], of=cohort, chance=chance, metric=metric)
    assert not sound(result)
    assert not result.passed
    assert result.candidate_arm.faults
    assert "&#10007; gave" in page_of(result)


def test_what_no_number_gives_is_null() -> None:
    result = judged(
        "abmil.lite0", EVERYWHERE, of=made.value_cohort(), chance=0.0, metric="mean_pearson"
    )
    arms = {arm["arm"]: arm["metrics"] for arm in json.loads(canonical_json(result))["arms"]}
    of_arm = {metric["name"]: metric["value"] for metric in arms["abmil.lite0"]}
    assert of_arm["mean_pearson"] == 0
    assert of_arm["mean_relative_mse"] is None
    assert all(metric["value"] is not None for metric in arms["late_ensemble"])


def test_one_seed_that_says_one_number_in_one_fold_is_enough() -> None:
    collapsed = filled(0.5, where=lambda table: (table["fold"] == 2) & (table["seed"] == 1))
    result = judged("fusion_student_v2", collapsed)
    assert result.candidate_arm.constant_folds == (2,)
    assert not sound(result)
