"""The simulation: its true C is true, and its rows say what was counted."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks.simulation import fitted_rows, given_rows, published_rows
from benchmarks.simulation_cases import World, draw_risks
from benchmarks.simulation_published import PublishedSetting, chosen_on_test, published_world
from benchmarks.simulation_runs import Setting, fitted_arms, given_arms, world_of
from shazam.evaluation.metrics import harrell_c, observed

SMALL = Setting(60, 0.5, 0.5, n_replicates=100)


@pytest.mark.parametrize(("beta", "censored"), [(0.7, 0.3), (1.5, 0.7)])
def test_true_c_and_censoring_are_those_of_a_large_sample(beta, censored):
    world = World(beta=beta, censored=censored)
    rng = np.random.default_rng(0)
    signal = rng.normal(size=20_000)
    truth = world.observe(signal, n_folds=20, rng=rng)
    rho = np.linspace(-0.2, 0.9, 20)
    (risk,) = draw_risks(signal, truth=truth, correlations=[rho], noise_correlation=0.3, rng=rng)
    value = observed(harrell_c(risk, truth=truth), n_cases=len(signal))
    assert value == pytest.approx(world.true_c(rho).mean(), abs=0.006)
    assert truth.event.mean() == pytest.approx(1 - censored, abs=0.01)


def test_true_c_is_one_half_without_correlation_and_goes_back_and_forth():
    world = World(beta=1.0, censored=0.5)
    assert world.true_c(np.zeros(1))[0] == pytest.approx(0.5)
    assert world.true_c(np.array([world.correlation_of(0.65)]))[0] == pytest.approx(0.65)


def test_a_run_is_the_same_for_the_same_seed():
    world = world_of(SMALL)
    for run in (given_arms, fitted_arms):
        first, second = (run(SMALL, world=world, seed=3) for _ in range(2))
        assert first == second
        assert set(first.values()) <= {0, 1}


def test_intervals_hold_the_true_c_of_given_arms_nearly_always():
    world = world_of(SMALL)
    total: Counter[str] = Counter()
    for seed in range(40):
        total.update(given_arms(SMALL, world=world, seed=seed))
    assert total["covers"] >= 34
    assert total["null_passes_null"] <= 3


def test_an_error_row_shows_the_exact_upper_bound_of_the_worst_setting():
    found = {"small": Counter({"differs": 100}), "large": Counter({"differs": 40})}
    row = next(given_rows(found, 2000))
    assert row.ratio == pytest.approx(0.0605, abs=2e-4)  # 100 of 2000, two-sided 95 %
    assert row.measured == {"small": 0.05, "large": 0.02}
    assert row.met
    found["small"]["differs"] = 120
    assert not next(given_rows(found, 2000)).met


def test_fitted_arms_without_signal_are_rarely_called_different():
    world = world_of(SMALL)
    total: Counter[str] = Counter()
    for seed in range(40):
        total.update(fitted_arms(SMALL, world=world, seed=seed))
    assert total["nulls_differ"] <= 4
    assert total["nulls_differ_by_p"] <= 4
    assert total["nulls_differ_by_holm"] <= 5
    assert total["covers_null"] >= total["covers_null_plain"]
    assert total["weak"] == total["weak_excludes"] == 0


def test_only_settings_of_little_signal_count_for_weak_arms():
    found = {
        "clear": Counter({"covers_difference": 1000}),
        "weak": Counter({"weak": 2000, "weak_excludes": 60, "nulls_differ": 200}),
    }
    rows = {row.name.removeprefix("simulation: fitted: "): row for row in fitted_rows(found, 2000)}
    weak = rows["two weak arms, not the true difference"]
    assert weak.measured == {"weak": 0.03}
    assert weak.met
    differ = rows["two null arms differ, by the interval"]
    assert differ.measured == {"clear": 0.0, "weak": 0.1}
    assert not differ.met


def test_choosing_the_epoch_on_the_test_fold_makes_signal_of_nothing():
    setting = PublishedSetting(50, 8, 0.5, n_replicates=100)
    world = published_world(setting)
    total: Counter[str] = Counter()
    for seed in range(5):
        total.update(chosen_on_test(setting, world=world, seed=seed))
    c_row, last_row, _ = published_rows({setting.name: total}, 5)
    assert c_row.ratio > 0.58
    assert abs(last_row.measured[setting.name] - 0.5) < 0.09
