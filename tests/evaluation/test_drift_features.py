"""Distances of features: oracles, a space of the reference alone, and false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from shazam.config.drift import DriftConfig
from shazam.digest import canonical_json
from shazam.evaluation.drift_features import feature_drift
from shazam.evaluation.drift_ks import adjusted_tests, ks_test
from shazam.evaluation.drift_space import FeatureSpace, frechet_distances

CONFIG = DriftConfig()


def sample(n: int, dim: int, *, seed: int, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return shift + scale * np.random.default_rng(seed).normal(size=(n, dim))


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(frechet_distances(first[None], second[None])[0])


def drift_of(reference: np.ndarray, new: np.ndarray, *, n_draws: int = 199, seed: int = 0):
    return feature_drift("t", reference, new, config=DriftConfig(seed=seed), n_draws=n_draws)


@pytest.mark.parametrize("n_cases", [4, 30])  # fewer cases than coordinates, and more
def test_the_distance_is_that_by_the_root_of_a_matrix(n_cases):
    mixed = np.random.default_rng(9).normal(size=(6, 6))
    first, second = sample(n_cases, 6, seed=1) @ mixed, sample(n_cases, 6, seed=2, shift=0.3)
    covariances = [np.cov(one, rowvar=False) for one in (first, second)]
    root = sqrtm(covariances[0] @ covariances[1]).real
    means = first.mean(axis=0) - second.mean(axis=0)
    expected = means @ means + np.trace(sum(covariances) - 2 * root)
    assert distance(first, second) == pytest.approx(expected, rel=1e-4)


def test_in_one_dimension_it_is_that_of_means_and_spreads():
    first, second = sample(50, 1, seed=1), sample(40, 1, seed=2, shift=3, scale=2)
    expected = (first.mean() - second.mean()) ** 2
    expected += (first.std(ddof=1) - second.std(ddof=1)) ** 2
    assert distance(first, second) == pytest.approx(expected)


@given(st.integers(0, 10_000), st.integers(2, 12), st.integers(1, 8))
@settings(max_examples=40)
def test_it_is_a_distance_that_no_rotation_changes(seed, n_cases, dim):
    first, second = sample(n_cases, dim, seed=seed), sample(n_cases + 3, dim, seed=seed + 1)
    turned = np.linalg.qr(sample(dim, dim, seed=seed + 2))[0]
    found = distance(first, second)
    assert found >= 0
    assert distance(second, first) == pytest.approx(found, abs=1e-6)
    assert distance(first @ turned + 5, second @ turned + 5) == pytest.approx(found, abs=1e-6)
    assert distance(first, first) == pytest.approx(0, abs=1e-6)
    shifted = distance(first, first + 2)
    assert shifted == pytest.approx(4 * dim, abs=1e-6)


def test_the_space_is_that_of_whitened_components():
    values = sample(60, 8, seed=0) @ np.diag([9, 5, 3, 1, 1, 1, 1, 1]) + 100
    values[:, 1] += values[:, 0]
    new = sample(20, 8, seed=1) + 100
    space = FeatureSpace.fit(values, n_components=3)
    scaler = StandardScaler().fit(values)
    pca = PCA(3, whiten=True, svd_solver="full").fit(scaler.transform(values))
    expected = pca.transform(scaler.transform(new)) * np.sqrt(60 / 59)
    found = space.project(new)
    assert space.names[-1] == "distance from the components"
    assert np.abs(found[:, :3]) == pytest.approx(np.abs(expected))
    left = scaler.transform(new) - pca.inverse_transform(pca.transform(scaler.transform(new)))
    assert found[:, 3] * space.off_spread == pytest.approx(np.linalg.norm(left, axis=1))


def test_constant_features_are_left_out_and_missing_ones_are_the_mean():
    values = sample(30, 5, seed=0)
    values[:, 2] = 7.0
    values[:, 4] = np.nan
    space = FeatureSpace.fit(values, n_components=10)
    assert space.kept.tolist() == [0, 1, 3]
    assert (len(space.names), space.off_spread) == (3, None)
    row = values[:1].copy()
    row[0, 1] = np.nan
    filled = row.copy()
    filled[0, 1] = values[:, 1].mean()
    assert space.project(row) == pytest.approx(space.project(filled))


def test_what_moves_where_the_reference_did_not_vary_is_seen():
    grey = np.repeat(sample(80, 1, seed=0), 3, axis=1)  # one component says all
    coloured = np.repeat(sample(20, 1, seed=1), 3, axis=1) + np.array([0.0, 0.05, -0.05])
    found = drift_of(grey, coloured)
    assert found.n_coordinates == 2
    assert found.ratio is not None
    assert found.ratio > 10
    assert found.p_value == pytest.approx(1 / 200)


@pytest.mark.parametrize(
    ("n_reference", "n_new", "dim"), [(72, 12, 300), (40, 40, 60), (200, 60, 4)]
)
def test_an_unshifted_draw_is_no_alarm_and_a_shifted_one_is(n_reference, n_new, dim):
    """Also where features are more than cases: no case that fixed the space is compared."""
    alarms, found = 0, 0
    for seed in range(20):
        reference = sample(n_reference, dim, seed=seed)
        same, moved = (sample(n_new, dim, seed=seed + 1000, shift=by) for by in (0.0, 1.5))
        alarms += _alarm(drift_of(reference, same, seed=seed))
        found += _alarm(drift_of(reference, moved, seed=seed))
    assert alarms <= 1
    assert found == 20


def test_long_tails_make_great_ratios_and_no_alarm():
    great, alarms = 0, 0
    for seed in range(40):
        values = np.exp(2 * sample(120, 20, seed=seed))
        found = drift_of(values[:80], values[80:], n_draws=99, seed=seed)
        great += found.ratio > CONFIG.max_frechet_ratio
        alarms += _alarm(found)
    assert great >= 4
    assert alarms <= 2


def _alarm(found) -> bool:
    assert found.ratio is not None
    return found.ratio > CONFIG.max_frechet_ratio and found.p_value <= CONFIG.alpha


def test_a_ratio_does_not_grow_with_the_cohort():
    small, large = (
        drift_of(sample(n, 4, seed=1), sample(n, 4, seed=2, shift=0.3)).ratio for n in (250, 2500)
    )
    assert small / 2 < large < small * 2
    assert drift_of(sample(2500, 4, seed=1), sample(2500, 4, seed=2)).n_compared == 50


def test_one_seed_gives_one_result():
    reference, new = sample(50, 9, seed=0), sample(15, 9, seed=1)
    assert drift_of(reference, new, seed=3) == drift_of(reference, new, seed=3)
    assert drift_of(reference, new, seed=3) != drift_of(reference, new, seed=4)


@pytest.mark.parametrize(
    ("n_reference", "n_new", "told"),
    [(39, 30, "39 case(s) of the reference, fewer than 40"), (40, 9, "9 case(s) new, fewer")],
)
def test_few_cases_are_not_judged(n_reference, n_new, told):
    found = drift_of(sample(n_reference, 3, seed=0), sample(n_new, 3, seed=1))
    assert (found.ratio, found.p_value, found.components) == (None, None, ())
    assert told in found.remark


def test_cases_that_a_teacher_has_not_seen_are_left_out_and_gaps_are_counted():
    reference, new = sample(60, 4, seed=0), sample(20, 4, seed=1)
    reference[:5] = np.nan
    reference[10, 2] = np.nan
    new[3] = np.nan
    new[4:6, 0] = np.nan
    found = drift_of(reference, new)
    assert (found.n_reference, found.n_new, found.n_filled) == (55, 19, 3)
    assert b"NaN" not in canonical_json(found)


def test_features_that_do_not_vary_are_not_judged():
    found = drift_of(np.full((50, 3), 2.0), sample(20, 3, seed=0))
    assert (found.ratio, found.n_constant) == (None, 3)
    assert "do not vary" in found.remark


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=30), st.integers(1, 30), st.integers(0, 9))
def test_the_statistic_is_the_greatest_distance_of_two_steps(numbers, n_new, seed):
    reference = np.array(numbers, dtype=np.float64)
    new = np.random.default_rng(seed).integers(-4, 5, size=n_new).astype(np.float64)
    steps = [abs((reference <= x).mean() - (new <= x).mean()) for x in range(-4, 5)]
    found = ks_test("x", reference, new)
    assert found.statistic == pytest.approx(max(steps))
    assert ks_test("x", new, reference).p_value == pytest.approx(found.p_value, abs=1e-9)
    assert 0 <= found.p_value <= 1


def test_two_of_two_apart_have_the_probability_of_a_third():
    """Of the 6 orders of two and two, two keep them apart."""
    found = ks_test("x", np.array([0.0, 1.0]), np.array([2.0, 3.0]))
    assert (found.statistic, found.p_value) == (1.0, pytest.approx(1 / 3))


def test_tests_of_columns_and_teachers_are_adjusted_together():
    teacher = drift_of(sample(60, 4, seed=0), sample(30, 4, seed=1, shift=2))
    (_, (alone,)) = adjusted_tests([], [teacher])
    (_, (one, other)) = adjusted_tests([], [teacher, teacher])
    least = min(test.p_value for test in teacher.components)
    n_tests = len(teacher.components)
    assert min(test.p_holm for test in alone.components) == pytest.approx(n_tests * least)
    assert min(test.p_holm for test in one.components) == pytest.approx(2 * n_tests * least)
    assert len(other.components) == n_tests
