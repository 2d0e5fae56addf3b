"""Probes: they find what was put in, and nothing where nothing is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from shazam.errors import ConfigError
from shazam.evaluation.probe import canary_summary
from shazam.evaluation.site_probe import probe_sites, probed_sites
from tests.evaluation.made import GENES, predictions, splits_of, survival_cohort, value_cohort


@dataclass(frozen=True, slots=True)
class Arrays:
    case_ids: tuple[str, ...]
    time_months: np.ndarray | None
    event: np.ndarray | None
    labels: np.ndarray | None
    classes: tuple[str, ...]
    values: np.ndarray | None = None
    targets: tuple[str, ...] = ()


def test_features_that_carry_the_site_are_found_out() -> None:
    rng = np.random.default_rng(0)
    sites = [f"s{n % 4}" for n in range(80)]
    noise = rng.normal(size=(80, 30))
    shifted = noise + 3 * rng.normal(size=(4, 30))[np.arange(80) % 4]
    shift, none = probe_sites({"shift": shifted, "none": noise}, sites=sites, seed=0)[::-1]
    assert (shift.teacher, none.teacher) == ("shift", "none")
    assert shift.balanced_accuracy > 0.9
    assert abs(none.balanced_accuracy - 0.25) < 0.15
    assert (shift.chance, shift.n_sites, shift.n_cases) == (0.25, 4, 80)
    assert shift.p_value == 0.001
    assert none.p_value is not None
    assert none.p_value > 0.05


def test_features_without_the_site_seldom_look_as_if_they_told_it() -> None:
    rng = np.random.default_rng(5)
    sites = ["a"] * 20 + ["b"] * 12 + ["c"] * 8
    found = [
        probe_sites({"t": rng.normal(size=(40, 6))}, sites=sites, seed=number)[0].p_value
        for number in range(60)
    ]
    assert sum(p is not None and p <= 0.05 for p in found) <= 8  # 5 % of 60, and 3 SE


def test_sites_are_probed_for_where_two_have_enough_cases() -> None:
    assert probed_sites(["a"] * 3 + ["b"] * 3 + ["c"] * 2 + [None]) == {"a", "b"}
    assert probed_sites(["a"] * 9 + ["b"] * 2) == frozenset()


def test_small_sites_are_left_out_and_counted() -> None:
    sites = ["a"] * 5 + ["b"] * 5 + ["c"] * 2 + [None]
    features = np.random.default_rng(0).normal(size=(13, 4)).astype(np.float32)
    (probe,) = probe_sites({"t": features}, sites=sites, seed=0)
    assert (probe.n_sites, probe.n_cases, probe.n_sites_left_out) == (2, 10, 1)


def test_without_two_sites_there_is_nothing_to_probe() -> None:
    features = np.ones((6, 2))
    assert probe_sites({"t": features}, sites=[None] * 6, seed=0) == ()
    assert probe_sites({"t": features}, sites=["a"] * 6, seed=0) == ()


def test_one_seed_gives_one_probe() -> None:
    features = np.random.default_rng(0).normal(size=(30, 8))
    sites = [f"s{n % 3}" for n in range(30)]
    first, second = (probe_sites({"t": features}, sites=sites, seed=3) for _ in range(2))
    assert first == second


def test_the_canary_is_scored_against_the_permuted_outcomes() -> None:
    cohort, signal = survival_cohort(60)
    splits = splits_of(cohort)
    time_months = np.array([case.time_months for case in cohort.cases])
    event = np.array([case.event for case in cohort.cases])
    outcomes, tables, leaked = {}, [], []
    for number in range(12):
        order = np.random.default_rng(number).permutation(60)
        case_ids = tuple(case.case_id for case in cohort.cases)
        outcomes[number] = Arrays(case_ids, time_months[order], event[order], None, ())
        for found, risk in ((tables, signal), (leaked, -time_months[order])):
            table = predictions("c", risk, cohort=cohort, splits=splits, noise=0.1)
            found.append(table.assign(permutation=number))
    honest = canary_summary(pd.concat(tables), arm="c", outcomes=outcomes, splits=splits)
    assert abs(honest.mean - 0.5) < 3 * honest.standard_error
    assert honest.n_permutations == 12
    assert honest.metric == "harrell_c"
    leaky = canary_summary(pd.concat(leaked), arm="c", outcomes=outcomes, splits=splits)
    assert leaky.mean > 0.95
    with pytest.raises(ConfigError, match="canary"):
        canary_summary(pd.concat(tables), arm="c", outcomes={0: outcomes[0]}, splits=splits)


def test_the_canary_of_regression_averages_a_correlation_of_nothing() -> None:
    cohort, signal = value_cohort(60)
    splits = splits_of(cohort)
    case_ids = tuple(case.case_id for case in cohort.cases)
    measured = np.array(
        [[dict(case.values)[gene] for gene in GENES] for case in cohort.cases], dtype=np.float64
    )
    outcomes, tables = {}, []
    for number in range(12):
        order = np.random.default_rng(number).permutation(60)
        outcomes[number] = Arrays(case_ids, None, None, None, (), measured[order], GENES)
        table = predictions("c", signal, cohort=cohort, splits=splits, noise=0.1)
        tables.append(table.assign(permutation=number))
    canary = canary_summary(pd.concat(tables), arm="c", outcomes=outcomes, splits=splits)
    assert (canary.metric, canary.chance) == ("mean_pearson", 0.0)
    assert abs(canary.mean) < 3 * canary.standard_error


def test_tiles_of_one_patient_are_probed_as_one_case() -> None:
    rng = np.random.default_rng(0)
    patients = np.repeat(np.arange(24), 10)
    of_patient = rng.normal(size=(24, 30))
    tiles = of_patient[patients] + 0.01 * rng.normal(size=(240, 30))
    tiles[0] = np.nan
    sites = [f"s{n % 3}" for n in patients]
    (told,) = probe_sites({"t": tiles}, sites=sites, seed=0)
    (found,) = probe_sites({"t": tiles}, sites=sites, seed=0, groups=patients)
    assert told.balanced_accuracy > 0.9  # it knows the patient
    assert found.balanced_accuracy < 0.6
    assert (found.n_cases, found.n_sites) == (24, 3)
