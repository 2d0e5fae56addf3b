from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.training.isotropic import equal_variances, hadamard_matrix, isotropic


def _features(n_cases: int, dim: int, *, seed: int) -> torch.Tensor:
    """Return features with correlations and spreads from 0.01 to 100."""
    generator = np.random.default_rng(seed)
    spread = 10.0 ** generator.uniform(-2, 2, size=dim)
    mixed = generator.normal(size=(n_cases, dim)) * spread @ generator.normal(size=(dim, dim))
    return torch.from_numpy(mixed + generator.normal(size=dim) * 50)


@settings(deadline=None, max_examples=40, derandomize=True)
@given(dim=st.integers(1, 48), n_cases=st.integers(3, 60), seed=st.integers(0, 9))
def test_every_feature_has_mean_0_and_variance_1(dim: int, n_cases: int, seed: int) -> None:
    turned = isotropic(_features(n_cases, dim, seed=seed), train=torch.arange(n_cases)).double()
    torch.testing.assert_close(turned.mean(dim=0), torch.zeros(dim).double(), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        turned.var(dim=0, correction=0), torch.ones(dim).double(), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize("dim", [9, 16, 24])
def test_it_is_a_rotation_with_one_scale(dim: int) -> None:
    features = _features(40, dim, seed=3)
    turned = isotropic(features, train=torch.arange(40)).double()
    ratio = torch.cdist(turned, turned) / torch.cdist(features, features)
    ratio = ratio[~torch.eye(40, dtype=torch.bool)]
    torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio), rtol=1e-4, atol=0)


@pytest.mark.parametrize("dim", [1, 2, 8, 12, 20, 24, 384, 768, 1280, 1536])
def test_hadamard_matrices_are_orthogonal_with_equal_entries(dim: int) -> None:
    matrix = hadamard_matrix(dim)
    assert matrix is not None
    np.testing.assert_allclose(np.abs(matrix), 1 / np.sqrt(dim))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(dim), atol=1e-12)


@pytest.mark.parametrize("dim", [3, 9, 30, 100])
def test_other_widths_are_turned_pair_by_pair(dim: int) -> None:
    assert hadamard_matrix(dim) is None
    variances = np.geomspace(1e-4, 1e4, dim)
    mixed = equal_variances(np.eye(dim), variances=variances)
    np.testing.assert_allclose(mixed.T @ mixed, np.eye(dim), atol=1e-9)
    np.testing.assert_allclose(mixed**2 @ variances, variances.mean(), rtol=1e-8)


def test_cases_that_do_not_vary_give_zeros() -> None:
    turned = isotropic(torch.full((4, 6), 3.0), train=torch.arange(4))
    assert torch.equal(turned, torch.zeros(4, 6))


def test_cases_without_features_stay_unknown() -> None:
    features = _features(12, 5, seed=0)
    features[3] = torch.nan
    turned = isotropic(features, train=torch.arange(10))
    assert bool(turned[3].isnan().all())
    known = [row for row in range(12) if row != 3]
    alone = isotropic(features[known], train=torch.arange(9))
    torch.testing.assert_close(turned[known], alone)
