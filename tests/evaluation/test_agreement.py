"""Correlation and error of targets against numpy, scipy and hand-computed cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr

from shazam.evaluation import metrics
from shazam.evaluation.agreement import Correlation, SquaredError
from shazam.evaluation.metrics import Metric
from shazam.evaluation.truth import Truth

QUICKLY = settings(deadline=None, max_examples=40, derandomize=True)


def value_truth(values: np.ndarray, *, n_folds: int = 1) -> Truth:
    n_cases, n_targets = values.shape
    return Truth(
        case_ids=tuple(f"c{n}" for n in range(n_cases)),
        fold=np.arange(n_cases) % n_folds,
        time_months=np.zeros(n_cases),
        event=np.zeros(n_cases, dtype=np.bool_),
        labels=np.zeros(n_cases, dtype=np.int64),
        classes=(),
        values=values,
        targets=tuple(f"g{n}" for n in range(n_targets)),
    )


def made(seed: int, *, n_cases: int = 50, n_folds: int = 1) -> tuple[Truth, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = 100 + rng.normal(size=(n_cases, 2))
    scores = values + rng.normal(size=values.shape)
    values[rng.random(values.shape) < 0.2] = np.nan
    return value_truth(values, n_folds=n_folds), scores


def value_of(metric: Metric, *, n_cases: int = 50) -> float:
    return metrics.observed(metric, n_cases=n_cases)


@QUICKLY
@given(seed=st.integers(0, 10_000))
def test_metrics_of_one_fold_are_those_of_scipy(seed: int) -> None:
    truth, scores = made(seed)
    found = {name: value_of(m) for name, m in metrics.metrics_of(scores, truth=truth).items()}
    r, relative = [], []
    for number, name in enumerate(truth.targets):
        known = ~np.isnan(truth.values[:, number])
        x, y = scores[known, number], truth.values[known, number]
        r.append(pearsonr(x, y).statistic)
        relative.append(np.mean((x - y) ** 2) / np.var(y))
        assert found[f"pearson_{name}"] == pytest.approx(r[-1], abs=1e-9)
        assert found[f"mse_{name}"] == pytest.approx(np.mean((x - y) ** 2), rel=1e-9)
    assert found["mean_pearson"] == pytest.approx(np.mean(r), abs=1e-9)
    assert found["mean_relative_mse"] == pytest.approx(np.mean(relative), rel=1e-9)


@QUICKLY
@given(seed=st.integers(0, 10_000))
def test_counts_equal_repeating_the_cases(seed: int) -> None:
    truth, scores = made(seed)
    counts = np.random.default_rng(seed).multinomial(50, np.full(50, 1 / 50))
    rows = np.repeat(np.arange(50), counts)
    again = value_truth(truth.values[rows])
    repeated = metrics.metrics_of(scores[rows], truth=again)
    for name, metric in metrics.metrics_of(scores, truth=truth).items():
        if name != "mean_relative_mse":  # its unit is the variance of all tested cases
            drawn = metric(counts[None, :].astype(float))[0]
            assert drawn == pytest.approx(value_of(repeated[name]), abs=1e-9)


def test_folds_are_averaged_by_their_measured_cases() -> None:
    truth, scores = made(1, n_folds=3)
    total, n_measured = 0.0, 0
    for number in range(3):
        rows = truth.fold_rows(number)
        known = rows[~np.isnan(truth.values[rows, 0])]
        total += len(known) * pearsonr(scores[known, 0], truth.values[known, 0]).statistic
        n_measured += len(known)
    value = value_of(metrics.metrics_of(scores, truth=truth)["pearson_g0"])
    assert value == pytest.approx(total / n_measured, abs=1e-12)


def test_a_shift_between_folds_is_neither_rewarded_nor_punished() -> None:
    truth, scores = made(2, n_folds=3)
    moved = scores + 50 * truth.fold[:, None]
    for name in ("pearson_g0", "mean_pearson"):
        first, second = (
            value_of(metrics.metrics_of(given, truth=truth)[name]) for given in (scores, moved)
        )
        assert second == pytest.approx(first, abs=1e-9)


def test_what_was_not_measured_does_not_matter() -> None:
    truth, scores = made(3, n_folds=2)
    other = np.where(np.isnan(truth.values), 1e6, scores)
    for name, metric in metrics.metrics_of(scores, truth=truth).items():
        changed = metrics.metrics_of(other, truth=truth)[name]
        assert value_of(changed) == value_of(metric)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_predictions_that_are_no_number_or_do_not_vary_earn_nothing(bad: float) -> None:
    measured, fold = np.array([1.0, 2.0, 3.0]), np.zeros(3, dtype=np.int64)
    for predicted in ([1.0, 2.0, bad], [5.0, 5.0, 5.0]):
        assert value_of(Correlation(np.array(predicted), measured, fold), n_cases=3) == 0
    error = SquaredError(np.array([1.0, 4.0, bad]), measured)
    assert value_of(error, n_cases=3) == pytest.approx((0 + 4 + 4) / 3)


def test_a_fold_of_one_value_is_left_out_and_nothing_left_is_nan() -> None:
    predicted = np.array([1.0, 2.0, 3.0, 9.0, 8.0])
    measured = np.array([1.0, 3.0, 2.0, 4.0, 4.0])
    fold = np.array([0, 0, 0, 1, 1])
    expected = pearsonr(predicted[:3], measured[:3]).statistic
    assert value_of(Correlation(predicted, measured, fold), n_cases=5) == pytest.approx(expected)
    nothing = Correlation(predicted[3:], measured[3:], fold[3:])
    assert np.isnan(value_of(nothing, n_cases=2))
    unmeasured = SquaredError(predicted[:1], np.array([np.nan]))
    assert np.isnan(value_of(unmeasured, n_cases=1))
