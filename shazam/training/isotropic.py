"""Isotropic standardisation: a rotation after which all features vary alike, and one scale.

PHI-S (Ranzinger et al. 2024, arXiv 2410.01680): ``y = a H U^T (x - mean)``, with the principal
axes U of the training cases, a Hadamard matrix H with entries of equal size, and
``a = 1 / sqrt(mean variance)``. Each feature of y has mean 0 and variance 1, and y is x turned
and scaled: distances keep their proportions, which scaling each feature alone would change.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from scipy.fft import dct
from scipy.linalg import hadamard
from torch import Tensor

Array = npt.NDArray[np.float64]

_PALEY_PRIMES = (11, 19)
_SMALLEST = 1e-10


def isotropic(features: Tensor, *, train: Tensor) -> Tensor:
    """Return features turned and scaled to variance 1 over the training cases.

    Directions in which the training cases do not vary are left out: they have no scale. Missing
    features are taken for the training mean; cases without any stay NaN.

    Args:
        features: float ``[n_cases, dim]``, may hold NaN.
        train: int64 ``[n_train]``, rows of the training cases.

    Returns:
        float32 ``[n_cases, dim]``.
    """
    values = features.double()
    missing = values.isnan()
    centred = (values - values[train].nanmean(dim=0)).masked_fill(missing, 0.0)
    unseen = missing.all(dim=1)
    dim = values.shape[1]
    axes, variances = _principal_axes(centred[train[~unseen[train]]].numpy())
    mixed = equal_variances(_spread(dim)[:, : len(variances)], variances=variances)
    scale = np.sqrt(dim / variances.sum()) if len(variances) else 1.0
    turned = torch.from_numpy(scale * (centred.nan_to_num(0.0).numpy() @ axes.T) @ mixed.T)
    return turned.masked_fill(unseen[:, None], torch.nan).float()


def hadamard_matrix(dim: int) -> Array | None:
    """Return an orthogonal matrix with entries ``+-1 / sqrt(dim)``, or None where none is known.

    Known are the widths ``2^k``, ``12 * 2^k`` and ``20 * 2^k``, those of most encoders.
    """
    for core in (np.ones((1, 1)), *(_paley(prime) for prime in _PALEY_PRIMES)):
        rest, left_over = divmod(dim, len(core))
        if left_over == 0 and rest & (rest - 1) == 0:
            matrix: Array = np.kron(hadamard(rest), core) / np.sqrt(dim)
            return matrix
    return None


def equal_variances(mixing: Array, *, variances: Array) -> Array:
    """Turn rows in pairs until each has the mean variance; a Hadamard mixing has it already.

    A row's variance is ``sum_j m_ij^2 variance_j``. Of two rows on either side of the mean, one
    is turned onto it, so ``dim - 1`` turns do for any width.

    Args:
        mixing: float64 ``[dim, rank]``, orthonormal columns.
        variances: float64 ``[rank]``, > 0.
    """
    mixed = mixing.copy()
    own = mixed**2 @ variances
    mean = own.mean() if len(own) else 0.0
    for _ in range(len(mixed) - 1):
        low, high = int(own.argmin()), int(own.argmax())
        if own[high] - own[low] <= _SMALLEST * mean:
            break
        # tan of the angle t solves (high - mean) t^2 + 2 both t + (low - mean) = 0
        both = float(mixed[low] * mixed[high] @ variances)
        above, below = own[high] - mean, mean - own[low]
        root = np.sqrt(both**2 + above * below)
        tangent = below / (root + both) if both > 0 else (root - both) / above
        cosine = 1.0 / np.sqrt(1.0 + tangent**2)
        first, second = mixed[low].copy(), mixed[high].copy()
        mixed[low] = cosine * (first + tangent * second)
        mixed[high] = cosine * (second - tangent * first)
        own[low], own[high] = mean, own[low] + own[high] - mean
    return mixed


def _principal_axes(centred: Array) -> tuple[Array, Array]:
    """Return axes ``[rank, dim]`` and the variances ``[rank]`` along them."""
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    varies = lengths > _SMALLEST * max(float(lengths.max(initial=0.0)), _SMALLEST)
    return axes[varies], lengths[varies] ** 2 / len(centred)


def _spread(dim: int) -> Array:
    """Return an orthogonal matrix that spreads each axis over all features."""
    matrix = hadamard_matrix(dim)
    return dct(np.eye(dim), norm="ortho", axis=0) if matrix is None else matrix


def _paley(prime: int) -> Array:
    """Return Paley's Hadamard matrix of order ``prime + 1``; the prime is 3 modulo 4."""
    squares = {number * number % prime for number in range(1, prime)}
    residue = np.array([0, *(1 if n in squares else -1 for n in range(1, prime))])
    numbers = np.arange(prime)
    core = np.ones((prime + 1, prime + 1))
    core[1:, 0] = -1.0
    core[1:, 1:] = residue[(numbers[None] - numbers[:, None]) % prime] + np.eye(prime)
    return core
