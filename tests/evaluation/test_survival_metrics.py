"""Metrics of survival curves against scikit-survival and hand-computed cases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chisquare, norm
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.metrics import cumulative_dynamic_auc, integrated_brier_score
from sksurv.nonparametric import kaplan_meier_estimator
from sksurv.util import Surv

from shazam.evaluation.bootstrap import bootstrap_counts
from shazam.evaluation.brier import BrierScore, brier_grid, integrated_brier
from shazam.evaluation.censoring import follow_up_months, inverse_weights
from shazam.evaluation.cox_slope import cox_slope, slope_interval
from shazam.evaluation.curves import Curves
from shazam.evaluation.d_calibration import binned, d_calibration
from shazam.evaluation.dynamic_auc import dynamic_auc, judged_horizons
from shazam.evaluation.survival_calibration import events_by, survival_calibration
from shazam.evaluation.truth import Truth
from tests.evaluation.test_metrics import made_survival, survival_truth


def repeated(truth: Truth, *, fold: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return bootstrap counts of a fold's cases, the rows they stand for, and the rest."""
    rows = truth.fold_rows(fold)
    counts = np.zeros(len(truth.fold))
    counts[rows] = np.random.default_rng([seed, 1]).multinomial(
        len(rows), np.full(len(rows), 1 / len(rows))
    )
    return counts, np.repeat(np.arange(len(counts)), counts.astype(int)), truth.fold != fold


def curves_like(truth: Truth, risk: np.ndarray, *, end: float = 40.0) -> Curves:
    """Return exponential curves, one edge a month."""
    edges = np.arange(1.0, end + 1)
    survival = np.exp(-0.04 * np.exp(risk)[:, None] * edges)
    shape = (1, len(risk), len(edges))
    return Curves(np.broadcast_to(edges, shape), survival[None])


def test_dynamic_auc_of_a_hand_computed_case_with_ties_and_censoring() -> None:
    # by 5: cases 0 and 1 died, 2 is censored, 3 and 4 go on; case 0 ties with 3
    truth = survival_truth([2, 5, 4, 9, 6] * 2, [1, 1, 0, 1, 0] * 2, n_folds=1)
    truth = Truth(**{**_fields(truth), "fold": np.repeat([0, 1], 5)})
    risk = np.array([0.5, 0.9, 9.9, 0.5, 0.1] * 2)
    value = dynamic_auc(risk, truth=truth, horizon_months=5.0)(np.ones((1, 10)))[0]
    # outside the fold G falls at 4 to 3/4: weights 1 and 4/3
    assert value == pytest.approx((1 * (0.5 + 1) + 4 / 3 * 2) / ((1 + 4 / 3) * 2))


def well_followed(seed: int) -> tuple[Truth, np.ndarray]:
    """Return a cohort in two folds, each of which is followed longer than it has events."""
    truth, risk = made_survival(seed, n_cases=120, n_folds=2)
    late = truth.time_months >= 20
    return Truth(**{**_fields(truth), "event": truth.event & ~late}), risk


@pytest.mark.parametrize("seed", range(5))
def test_dynamic_auc_equals_scikit_survival_in_every_fold_and_draw(seed: int) -> None:
    truth, risk = well_followed(seed)
    outcome = Surv.from_arrays(truth.event, truth.time_months)
    metric = dynamic_auc(risk, truth=truth, horizon_months=9.0)
    for fold in range(2):
        counts, rows, train = repeated(truth, fold=fold, seed=seed)
        expected = cumulative_dynamic_auc(outcome[train], outcome[rows], risk[rows], 9.0)[0][0]
        assert metric(counts[None])[0] == pytest.approx(expected, abs=1e-12)


def test_a_time_that_only_ties_tell_apart_is_counted_by_the_convention() -> None:
    truth, _ = made_survival(0, n_cases=80, n_folds=2)
    early = truth.event & (truth.time_months <= 9)
    assert (truth.time_months[early] == 9).any()
    weights = inverse_weights(truth, number=0, before_months=np.nextafter(9.0, 10))
    used = weights > 0
    assert (used == early[truth.fold_rows(0)]).all()


@pytest.mark.parametrize("seed", range(5))
def test_brier_scores_equal_scikit_survival_in_every_fold_and_draw(seed: int) -> None:
    truth, risk = well_followed(seed)
    outcome = Surv.from_arrays(truth.event, truth.time_months)
    times = np.linspace(3.0, 15.0, 12)
    curves = curves_like(truth, risk)
    score = BrierScore.of(truth, times_months=times)
    losses = score.losses(curves.at(times[None]))
    for fold in range(2):
        counts, rows, train = repeated(truth, fold=fold, seed=seed)
        survival = curves.at(times[None])[rows]
        expected = integrated_brier_score(outcome[train], outcome[rows], survival, times)
        assert counts @ losses / counts.sum() == pytest.approx(expected, abs=1e-12)


def test_kaplan_meier_against_itself_differs_by_nothing() -> None:
    truth, _ = made_survival(1, n_cases=80, n_folds=2)
    times = brier_grid(truth, range_months=100.0)
    assert times[-1] < follow_up_months(truth)
    score = BrierScore.of(truth, times_months=times)
    flat = Curves(np.tile(times, (1, 80, 1)), score.reference[None])
    found = integrated_brier(flat, score=score, counts=np.ones((3, 80)))
    assert found is not None
    assert found.minus_reference.value == pytest.approx(0, abs=1e-12)
    assert found.score.lower == pytest.approx(found.score.value)


def test_a_brier_score_of_curves_that_know_everything_is_0() -> None:
    truth = survival_truth([3, 6, 9, 12] * 5, [1] * 20, n_folds=2)
    truth = Truth(**{**_fields(truth), "fold": np.repeat([0, 1], 10)})
    score = BrierScore.of(truth, times_months=np.array([4.0, 7.0, 10.0]))
    perfect = (truth.time_months[:, None] > score.times_months).astype(float)
    assert score.losses(perfect).sum() == 0
    assert score.losses(1 - perfect) == pytest.approx(np.ones(20))


@pytest.mark.parametrize("seed", range(4))
def test_slopes_equal_scikit_survival_in_every_draw(seed: int) -> None:
    truth, risk = made_survival(seed, n_cases=80)
    risk = 3 * risk + 100
    counts = (
        np.random.default_rng([seed, 1]).multinomial(80, np.full(80, 1 / 80), size=3).astype(float)
    )
    found = cox_slope(
        risk,
        time_months=truth.time_months,
        event=truth.event,
        stratum=truth.fold,
        counts=counts,
    )
    for slope, own in zip(found, counts, strict=True):
        rows = np.repeat(np.arange(80), own.astype(int))
        outcome = Surv.from_arrays(truth.event[rows], truth.time_months[rows])
        model = CoxPHSurvivalAnalysis(alpha=0, ties="breslow", tol=1e-12, n_iter=500)
        expected = model.fit(risk[rows, None], outcome).coef_[0]
        assert slope == pytest.approx(expected, abs=1e-7)


def test_a_slope_of_a_hand_computed_case_is_stratified() -> None:
    # one event a stratum; with p of the risk at x = 1: sum (x_i - p_i) = 0 at log 2
    x = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0])
    time = np.array([1.0, 2, 2, 2, 2, 2, 2, 1])
    event = np.array([1, 0, 0, 0, 0, 0, 0, 1], dtype=bool)
    stratum = np.repeat([0, 1], 4)
    # e/(e+3) + 3e/(3e+1) = 1 at e = 1
    found = cox_slope(x, time_months=time, event=event, stratum=stratum, counts=np.ones((1, 8)))
    assert found[0] == pytest.approx(0.0, abs=1e-9)
    apart = cox_slope(
        x[:4], time_months=time[:4], event=event[:4], stratum=stratum[:4], counts=np.ones((1, 4))
    )
    assert np.isnan(apart[0])
    flat = cox_slope(0 * x, time_months=time, event=event, stratum=stratum, counts=np.ones((1, 8)))
    assert np.isnan(flat[0])


@pytest.mark.parametrize(
    ("n_left_out", "ends"), [(0, True), (10, True), (11, False), (1000, False)]
)
def test_draws_without_a_slope_are_counted_and_many_leave_no_interval(
    n_left_out: int, ends: bool
) -> None:
    drawn = np.random.default_rng(0).normal(size=1000)
    drawn[:n_left_out] = np.nan
    found = slope_interval(np.array([0.1, *drawn]))
    assert found is not None
    assert (found.n_draws, found.n_left_out) == (1000, n_left_out)
    assert (found.lower is not None, found.upper is not None) == (ends, ends)
    told = found.remark("slope")
    assert (told is None) is (n_left_out == 0)
    assert told is None or f"{n_left_out} of 1000 draws" in told
    assert told is None or ("no interval" in told) is not ends
    assert slope_interval(np.array([np.nan, *drawn])) is None


def test_draws_that_part_the_events_from_the_others_have_no_bound() -> None:
    time_months = np.arange(1.0, 21.0)
    event = np.arange(20) < 3
    x = -time_months
    x[1] = -30.0  # without this event the order of risks is that of times
    fold = np.zeros(20, dtype=np.int64)
    drawn = bootstrap_counts(fold, n_replicates=200, seed=0)
    counts = np.vstack([np.ones((1, 20)), drawn])
    slopes = cox_slope(x, time_months=time_months, event=event, stratum=fold, counts=counts)
    found = slope_interval(slopes)
    assert found is not None
    assert found.n_left_out >= (drawn[:, 1] == 0).sum() > 2
    assert (found.lower, found.upper) == (None, None)


@pytest.mark.parametrize("seed", range(3))
def test_shares_of_events_equal_kaplan_meier_in_every_draw(seed: int) -> None:
    truth, _ = made_survival(seed, n_cases=60)
    counts = (
        np.random.default_rng([seed, 1]).multinomial(60, np.full(60, 1 / 60), size=3).astype(float)
    )
    found = events_by(truth.time_months, event=truth.event, counts=counts, horizon_months=10.0)
    for share, own in zip(found, counts, strict=True):
        rows = np.repeat(np.arange(60), own.astype(int))
        times, survival = kaplan_meier_estimator(truth.event[rows], truth.time_months[rows])
        assert 1 - share == pytest.approx(survival[times <= 10.0][-1], abs=1e-12)


def test_nothing_is_said_of_cases_that_nobody_followed_so_long() -> None:
    found = events_by(
        np.array([1.0, 2.0]),
        event=np.array([True, False]),
        counts=np.ones((1, 2)),
        horizon_months=5,
    )
    assert np.isnan(found[0])


def _exponential(*, n_cases: int, stretch: float) -> tuple[Truth, Curves]:
    rng = np.random.default_rng(1)
    risk = rng.normal(size=n_cases)
    died = rng.exponential(25 * np.exp(-risk))
    left = rng.uniform(5, 60, size=n_cases)
    truth = survival_truth(np.minimum(died, left), died <= left)
    return truth, curves_like(truth, stretch * risk, end=60.0)


def test_curves_that_are_true_are_calibrated_and_those_too_spread_are_not() -> None:
    counts = np.random.default_rng([1, 1]).multinomial(800, np.full(800, 1 / 800), size=200)
    found = {}
    for stretch in (1.0, 2.0):
        truth, curves = _exponential(n_cases=800, stretch=stretch)
        calibration = survival_calibration(
            curves, truth=truth, counts=counts.astype(float), horizon_months=24.0
        )
        assert calibration is not None
        assert len(calibration.points) == 10
        assert sum(point.n_cases for point in calibration.points) == 800
        assert calibration.slope is not None
        found[stretch] = calibration, d_calibration(curves, truth=truth)
    right, spread = found[1.0], found[2.0]
    assert right[0].slope.lower < 1 < right[0].slope.upper
    assert right[0].slope.value == pytest.approx(2 * spread[0].slope.value, rel=1e-3)
    assert right[0].observed.lower < right[0].predicted.value < right[0].observed.upper
    assert right[1].p_value > 0.05
    assert spread[1].p_value < 1e-6


def test_d_calibration_of_a_hand_computed_case() -> None:
    # 0.95 in the last bin; 0.0 in the first; censored at 0.25: 0.1/0.25, 0.1/0.25 and 0.05/0.25
    counts = binned(np.array([0.95, 0.0, 0.25, 1.0]), event=np.array([True, True, False, True]))
    assert counts == pytest.approx([1.4, 0.4, 0.2, 0, 0, 0, 0, 0, 0, 2])
    assert binned(np.array([0.0]), event=np.array([False])).tolist() == [1.0] + [0.0] * 9


def test_d_calibration_censors_at_the_last_edge_and_adds_up() -> None:
    truth, risk = made_survival(2, n_cases=60)
    curves = curves_like(truth, risk, end=10.0)
    found = d_calibration(curves, truth=truth)
    assert found is not None
    assert found.n_beyond_range == (truth.time_months > 10).sum()
    assert sum(found.counts) == pytest.approx(60)
    expected = chisquare(found.counts)
    assert (found.chi_square, found.p_value) == pytest.approx((expected.statistic, expected.pvalue))


def test_d_calibration_holds_its_level_when_curves_are_true() -> None:
    rng = np.random.default_rng(0)
    p_values = []
    for _ in range(200):
        u = rng.random(200)
        counts = binned(u, event=np.ones(200, dtype=bool))
        p_values.append(chisquare(counts).pvalue)
    assert abs(np.mean(np.array(p_values) < 0.05) - 0.05) < norm.isf(0.001) * np.sqrt(
        0.05 * 0.95 / 200
    )


def test_horizons_that_cannot_be_judged_are_named_with_their_reason() -> None:
    truth, _ = made_survival(0, n_cases=100, n_folds=2)
    judged, left_out = judged_horizons([1.5, 6.0, 23.5, 60.0, 6.0], truth=truth, least=10)
    assert judged == (6.0,)
    assert [entry.months for entry in left_out] == [1.5, 23.5, 60.0]
    assert "event(s) by then, fewer than 10" in left_out[0].reason
    assert "followed beyond it, fewer than 10" in left_out[1].reason
    assert "are followed for" in left_out[2].reason


def _fields(truth: Truth) -> dict[str, object]:
    return {name: getattr(truth, name) for name in truth.__slots__}
