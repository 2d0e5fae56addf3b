"""Metrics against scikit-survival, scikit-learn and hand-computed cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score
from sksurv.metrics import concordance_index_censored, concordance_index_ipcw
from sksurv.util import Surv

from shazam.config.cohort import Task
from shazam.evaluation import metrics
from shazam.evaluation.censoring import follow_up_months
from shazam.evaluation.truth import Truth


def survival_truth(
    time_months: list[float] | np.ndarray, event: list[int] | np.ndarray, *, n_folds: int = 1
) -> Truth:
    n_cases = len(time_months)
    return Truth(
        case_ids=tuple(f"c{n}" for n in range(n_cases)),
        fold=np.arange(n_cases) % n_folds,
        time_months=np.asarray(time_months, dtype=np.float64),
        event=np.asarray(event, dtype=np.bool_),
        labels=np.zeros(n_cases, dtype=np.int64),
        classes=(),
    )


def class_truth(labels: np.ndarray, *, n_folds: int = 1) -> Truth:
    n_cases = len(labels)
    return Truth(
        case_ids=tuple(f"c{n}" for n in range(n_cases)),
        fold=np.arange(n_cases) % n_folds,
        time_months=np.zeros(n_cases),
        event=np.zeros(n_cases, dtype=np.bool_),
        labels=labels,
        classes=("a", "b", "c"),
    )


def made_survival(seed: int, *, n_cases: int = 60, n_folds: int = 1) -> tuple[Truth, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = survival_truth(
        rng.integers(1, 25, size=n_cases).astype(float),
        rng.random(n_cases) < 0.6,
        n_folds=n_folds,
    )
    return truth, np.round(rng.normal(size=n_cases), 1)


def test_harrell_c_of_a_hand_computed_case_with_ties_and_censoring() -> None:
    # pairs: (1,2) (1,3) (1,4) (2,3) (2,4); case 2 dies when case 3 is censored, case 3 is no index
    truth = survival_truth([2, 5, 5, 9], [1, 1, 0, 1])
    risk = np.array([0.9, 0.4, 0.4, 0.6])
    value = metrics.observed(metrics.harrell_c(risk, truth=truth), n_cases=4)
    assert value == pytest.approx((1 + 1 + 1 + 0.5 + 0) / 5)


@settings(deadline=None, max_examples=30, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_harrell_c_equals_scikit_survival(seed: int) -> None:
    truth, risk = made_survival(seed)
    expected = concordance_index_censored(truth.event, truth.time_months, risk)[0]
    value = metrics.observed(metrics.harrell_c(risk, truth=truth), n_cases=60)
    assert value == pytest.approx(expected, abs=1e-12)


def test_harrell_c_of_folds_is_averaged_by_comparable_pairs() -> None:
    truth, risk = made_survival(1, n_folds=3)
    total, n_pairs = 0.0, 0
    for number in range(3):
        rows = truth.fold_rows(number)
        c, concordant, discordant, tied, _ = concordance_index_censored(
            truth.event[rows], truth.time_months[rows], risk[rows]
        )
        total += c * (concordant + discordant + tied)
        n_pairs += concordant + discordant + tied
    value = metrics.observed(metrics.harrell_c(risk, truth=truth), n_cases=60)
    assert value == pytest.approx(total / n_pairs, abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_uno_c_equals_scikit_survival_in_every_fold(seed: int) -> None:
    truth, risk = made_survival(seed, n_folds=2)
    metric = metrics.uno_c(risk, truth=truth)
    tau = follow_up_months(truth)
    outcome = Surv.from_arrays(truth.event, truth.time_months)
    for number in range(2):
        tested = truth.fold == number
        expected = concordance_index_ipcw(outcome[~tested], outcome[tested], risk[tested], tau=tau)[
            0
        ]
        assert metric(tested[None, :].astype(float))[0] == pytest.approx(expected, abs=1e-12)


def test_counts_equal_repeating_the_cases() -> None:
    truth, risk = made_survival(3)
    counts = np.random.default_rng(0).multinomial(60, np.full(60, 1 / 60)).astype(float)
    rows = np.repeat(np.arange(60), counts.astype(int))
    expected = concordance_index_censored(truth.event[rows], truth.time_months[rows], risk[rows])[0]
    value = metrics.harrell_c(risk, truth=truth)(counts[None, :])[0]
    assert value == pytest.approx(expected, abs=1e-12)


def test_a_reversed_risk_mirrors_c_and_any_increasing_scale_keeps_it() -> None:
    truth, risk = made_survival(4, n_folds=3)
    values = [
        metrics.observed(metrics.harrell_c(score, truth=truth), n_cases=60)
        for score in (risk, -risk, np.exp(risk))
    ]
    assert values[0] + values[1] == pytest.approx(1)
    assert values[2] == pytest.approx(values[0])


def test_predictions_that_are_no_number_earn_nothing() -> None:
    truth = survival_truth([1, 2, 3], [1, 1, 1])
    risk = np.array([np.nan, 2.0, np.inf])
    assert metrics.observed(metrics.harrell_c(risk, truth=truth), n_cases=3) == 0
    labels = np.array([0, 1, 2])
    scores = np.array([[np.nan, 1, 0], [0, 1, 0], [0, 0, 1.0]])
    metric = metrics.balanced_accuracy(scores, truth=class_truth(labels))
    assert metrics.observed(metric, n_cases=3) == pytest.approx(2 / 3)


def test_nothing_comparable_is_nan_not_a_number_made_up() -> None:
    truth = survival_truth([1, 2], [0, 0])
    assert np.isnan(
        metrics.observed(metrics.harrell_c(np.array([1.0, 2.0]), truth=truth), n_cases=2)
    )


def test_guessing_reaches_one_in_the_classes_that_tested_cases_have() -> None:
    truth = class_truth(np.array([0, 2, 2, 0, 2]))
    assert len(truth.classes) == 3
    chance = metrics.chance_of(truth.task, n_classes=truth.n_tested_classes)
    assert chance == 0.5
    for called in (0, 2):  # calling every case one class reaches it
        scores = np.tile(np.eye(3)[called], (5, 1))
        metric = metrics.balanced_accuracy(scores, truth=truth)
        assert metrics.observed(metric, n_cases=5) == chance
    assert metrics.chance_of(Task.SURVIVAL, n_classes=0) == 0.5
    assert metrics.chance_of(Task.REGRESSION, n_classes=0) == 0.0


@pytest.mark.parametrize("seed", range(5))
def test_class_metrics_equal_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=50)
    scores = rng.dirichlet(np.ones(3), size=50)
    truth = class_truth(labels)
    values = {
        name: metrics.observed(metric, n_cases=50)
        for name, metric in metrics.metrics_of(scores, truth=truth).items()
    }
    chosen = scores.argmax(axis=1)
    assert list(values) == ["balanced_accuracy", "macro_auroc", "weighted_f1"]
    assert values["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, chosen))
    assert values["weighted_f1"] == pytest.approx(f1_score(labels, chosen, average="weighted"))
    assert values["macro_auroc"] == pytest.approx(
        roc_auc_score(labels, scores, multi_class="ovr", average="macro")
    )
