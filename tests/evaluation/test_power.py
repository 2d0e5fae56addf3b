"""Power: variances against draws, and a number of events that gives what it says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.config.acceptance import AcceptanceConfig, Comparison
from shazam.errors import ConfigError
from shazam.evaluation.metrics import harrell_c
from shazam.evaluation.power import Power, expected_power, null_variance_of_c
from shazam.evaluation.truth import Truth, truth_of_cases
from tests.evaluation import made


def truth_of(times: list[float], events: list[bool], folds: list[int]) -> Truth:
    return Truth(
        case_ids=tuple(f"c{n:04}" for n in range(len(times))),
        fold=np.array(folds, dtype=np.int64),
        time_months=np.array(times, dtype=np.float64),
        event=np.array(events, dtype=np.bool_),
        labels=np.zeros(len(times), dtype=np.int64),
        classes=(),
    )


COHORT, _ = made.survival_cohort()
TRUTH = truth_of_cases(COHORT.cases, splits=made.splits_of(COHORT))


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 1000), st.integers(8, 24), st.sampled_from([1, 2]))
def test_the_variance_is_that_of_random_risks_with_ties_and_censoring(
    seed: int, n_cases: int, n_folds: int
) -> None:
    rng = np.random.default_rng(seed)
    events = rng.random(n_cases) < 0.6
    events[:2] = True
    truth = truth_of(
        rng.integers(1, 10, n_cases).tolist(),
        events.tolist(),
        (np.arange(n_cases) % n_folds).tolist(),
    )
    ones = np.ones((1, n_cases))
    drawn = [harrell_c(rng.normal(size=n_cases), truth=truth)(ones)[0] for _ in range(600)]
    expected = null_variance_of_c(truth)
    if np.isfinite(drawn).all():
        assert np.var(drawn) == pytest.approx(expected, rel=0.3)
    else:
        assert np.isnan(expected)


def test_without_censoring_it_is_kendalls() -> None:
    n = 30
    truth = truth_of(list(range(1, n + 1)), [True] * n, [0] * n)
    of_tau = 2 * (2 * n + 5) / (9 * n * (n - 1))
    assert null_variance_of_c(truth) == pytest.approx(of_tau / 4)


def test_a_margin_has_the_power_of_its_distance() -> None:
    power = expected_power(TRUTH, acceptance=AcceptanceConfig(margin=0.1))
    assert power.standard_error_difference == pytest.approx(power.standard_error)  # rho = 0.5
    z = 0.1 / power.standard_error_difference - 1.959964
    assert power.power == pytest.approx(0.5 * (1 + math.erf(z / 2**0.5)), abs=1e-5)
    assert (power.n_counted, power.counted) == (COHORT.n_events, "events")
    assert "too few" in power.sentence() or "enough" in power.sentence()
    assert Power.model_validate_json(power.model_dump_json()) == power


def test_wider_margins_and_closer_arms_need_fewer_events() -> None:
    def needed(**given: object) -> int:
        return expected_power(TRUTH, acceptance=AcceptanceConfig.model_validate(given)).n_needed

    assert needed(margin=0.1) < needed(margin=0.05) < needed(margin=0.02)
    assert needed(margin=0.05) == pytest.approx(4 * needed(margin=0.1), rel=0.02)
    assert needed(expected_correlation=0.9) < needed(expected_correlation=0.0)
    superior = needed(comparison=Comparison.SUPERIOR, expected_difference=0.05)
    assert superior == needed(margin=0.05)


def test_the_events_that_are_asked_for_give_the_power_that_was_promised() -> None:
    rng = np.random.default_rng(0)

    def drawn(n_cases: int) -> Truth:
        died, left = rng.exponential(30, n_cases), rng.uniform(10, 90, n_cases)
        return truth_of(np.minimum(died, left).tolist(), (died <= left).tolist(), [0] * n_cases)

    acceptance = AcceptanceConfig(margin=0.05)
    few = expected_power(drawn(150), acceptance=acceptance)
    assert few.power < 0.8
    assert few.n_counted < few.n_needed
    n_cases = round(150 * few.n_needed / few.n_counted)
    assert expected_power(drawn(n_cases), acceptance=acceptance).power == pytest.approx(
        0.8, abs=0.04
    )


def test_of_tiles_of_one_patient_one_counts() -> None:
    twice = replace(
        TRUTH,
        case_ids=tuple(f"{name}#{n}" for name in TRUTH.case_ids for n in range(2)),
        groups=tuple(name for name in TRUTH.case_ids for _ in range(2)),
        **{
            name: np.repeat(getattr(TRUTH, name), 2, axis=0)
            for name in ("fold", "time_months", "event", "labels")
        },
        values=np.zeros((144, 0)),
    )
    acceptance = AcceptanceConfig()
    assert expected_power(twice, acceptance=acceptance) == expected_power(
        TRUTH, acceptance=acceptance
    )


@pytest.mark.parametrize("kind", ["class", "value"])
def test_other_tasks_count_cases(kind: str) -> None:
    cohort, _ = made.class_cohort() if kind == "class" else made.value_cohort()
    truth = truth_of_cases(
        cohort.cases,
        splits=made.splits_of(cohort),
        classes=cohort.classes,
        targets=cohort.targets,
    )
    power = expected_power(truth, acceptance=AcceptanceConfig(margin=0.1))
    assert power.counted == "cases"
    assert 0 < power.standard_error < 0.2


def test_folds_that_compare_nothing_have_no_power() -> None:
    with pytest.raises(ConfigError, match="use fewer folds"):
        expected_power(truth_of([1, 2], [True, True], [0, 1]), acceptance=AcceptanceConfig())
