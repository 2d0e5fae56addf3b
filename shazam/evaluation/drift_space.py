"""The space in which features of two cohorts are compared, and a distance in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shazam.evaluation.pairs import Array

_ROUNDING = 1e-7
_LEAST_OFF_SPREAD = 1e-3


@dataclass(frozen=True, slots=True)
class FeatureSpace:
    """Whitened principal components of standardised features, and the distance from them.

    A last coordinate, the length of what the components leave out, shows features that move where
    the reference did not vary. All is in units of the spread of the cases that it was fitted on.

    Args:
        kept: features that vary, int64 ``[n_kept]``.
        mean: float64 ``[n_kept]``.
        sd: float64 ``[n_kept]``.
        axes: unit vectors, float64 ``[n_kept, n_components]``.
        spread: standard deviation along each, float64 ``[n_components]``.
        off_spread: of the length of what they leave out; None where they are all that there is.
    """

    kept: NDArray[np.int64]
    mean: Array
    sd: Array
    axes: Array
    spread: Array
    off_spread: float | None

    @classmethod
    def fit(cls, values: Array, *, n_components: int) -> FeatureSpace:
        """Fit on some cases of the reference, float64 ``[n_cases, dim]``; NaN is missing.

        Features that do not vary are left out, and no more components are kept than vary.
        """
        count = np.maximum((~np.isnan(values)).sum(axis=0), 1)
        mean = np.nansum(values, axis=0) / count
        sd = np.sqrt(np.nansum((values - mean) ** 2, axis=0) / count)
        kept = np.flatnonzero(sd > _ROUNDING * np.maximum(np.abs(mean), _ROUNDING))
        standard = _standard(values[:, kept], mean=mean[kept], sd=sd[kept])
        _, sizes, axes = np.linalg.svd(standard, full_matrices=False)
        n_varying = int((sizes > _ROUNDING * sizes.max(initial=0.0)).sum())
        n_taken = min(n_components, n_varying)
        own = _one_sign(axes[:n_taken]).T
        off = _off_length(standard, axes=own)
        return cls(
            kept=kept,
            mean=mean[kept],
            sd=sd[kept],
            axes=own,
            spread=sizes[:n_taken] / np.sqrt(len(values)),
            off_spread=max(float(off.std()), _LEAST_OFF_SPREAD) if n_taken < len(kept) else None,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coordinates."""
        off = () if self.off_spread is None else ("distance from the components",)
        return (*(f"component {number + 1}" for number in range(len(self.spread))), *off)

    def project(self, values: Array) -> Array:
        """Map features ``[n_cases, dim]`` to ``[n_cases, n_coordinates]``; NaN is the mean."""
        standard = _standard(values[:, self.kept], mean=self.mean, sd=self.sd)
        along = standard @ self.axes / self.spread
        if self.off_spread is None:
            return along
        off = _off_length(standard, axes=self.axes) / self.off_spread
        return np.column_stack([along, off])


def frechet_distances(first: Array, second: Array) -> Array:
    """Return squared Frechet distances between normal distributions fitted to pairs of samples.

    ``|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2))`` (Dowson and Landau 1982). The trace of the root
    is the sum of the roots of the eigenvalues of ``S1^(1/2) S2 S1^(1/2)``, which is symmetric.

    Args:
        first: float64 ``[n_pairs, n_cases, dim]``, at least 2 cases each.
        second: the same of the other samples, with as many pairs.

    Returns:
        float64 ``[n_pairs]``, at least 0.
    """
    (mean_1, cov_1), (mean_2, cov_2) = _moments(first), _moments(second)
    values, axes = np.linalg.eigh(cov_1)
    root = (axes * np.sqrt(np.clip(values, 0, None))[:, None, :]) @ axes.transpose(0, 2, 1)
    product = np.linalg.eigvalsh(root @ cov_2 @ root)
    of_roots = np.sqrt(np.clip(product, 0, None)).sum(axis=1)
    spreads = np.trace(cov_1, axis1=1, axis2=2) + np.trace(cov_2, axis1=1, axis2=2) - 2 * of_roots
    distances: Array = np.maximum(((mean_1 - mean_2) ** 2).sum(axis=1) + spreads, 0.0)
    return distances


def _moments(samples: Array) -> tuple[Array, Array]:
    mean = samples.mean(axis=1)
    centred = samples - mean[:, None, :]
    return mean, centred.transpose(0, 2, 1) @ centred / (samples.shape[1] - 1)


def _standard(values: Array, *, mean: Array, sd: Array) -> Array:
    return np.nan_to_num((values - mean) / sd, nan=0.0)


def _one_sign(axes: Array) -> Array:
    """Give each axis ``[n, dim]`` the sign by which its greatest entry is positive."""
    if axes.size == 0:
        return axes
    greatest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
    return axes * np.where(greatest < 0, -1.0, 1.0)


def _off_length(standard: Array, *, axes: Array) -> Array:
    lengths: Array = np.linalg.norm(standard - standard @ axes @ axes.T, axis=1)
    return lengths
