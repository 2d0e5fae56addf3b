"""Pairs of cases inside a fold, and the share of them that scores put in the right order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TIED = 1e-8


@dataclass(frozen=True, slots=True)
class PairBlock:
    """Pairs of one fold with m cases, by their first case.

    Only cases that are first in some pair have a row in ``comparable`` and ``credit``, so that
    half the work is saved where half the cases are censored.

    Args:
        rows: int64 ``[m]``, the cases.
        first: int64 ``[n_first]``, positions in ``rows``.
        weight: float64 ``[n_first]``, above 0, of all pairs with that first case.
        comparable: float64 ``[n_first, m]`` of 0 and 1.
        credit: float64 ``[n_first, m]``: 1 in the right order, 1/2 tied, 0 where not comparable.
    """

    rows: NDArray[np.int64]
    first: NDArray[np.int64]
    weight: Array
    comparable: Array
    credit: Array

    @classmethod
    def of(
        cls, rows: NDArray[np.int64], *, comparable: NDArray[np.bool_], score: Array
    ) -> PairBlock:
        """Return the pairs ``comparable[i, j]`` of cases, of which i should have more.

        Args:
            rows: int64 ``[m]``.
            comparable: bool ``[m, m]``.
            score: float64 ``[m]``; what is not finite earns nothing.
        """
        first = np.flatnonzero(comparable.any(axis=1))
        known = np.where(np.isfinite(score), score, np.nan)
        difference = known[first, None] - known[None, :]
        pairs = comparable[first]
        credit = np.where(np.abs(difference) <= _TIED, 0.5, difference > 0) * pairs
        return cls(rows, first, np.ones(len(first)), pairs.astype(np.float64), credit)

    def weighted(self, weight: Array) -> PairBlock:
        """Weight each pair by its first case, ``[m]``; pairs of weight 0 are left out."""
        kept = weight[self.first] > 0
        first = self.first[kept]
        return PairBlock(
            rows=self.rows,
            first=first,
            weight=self.weight[kept] * weight[first],
            comparable=self.comparable[kept],
            credit=self.credit[kept],
        )

    def sums(self, counts: Array) -> tuple[Array, Array, Array]:
        """Return the number of pairs, their weight and the weight of those in the right order.

        A first case's pairs are counted exactly, as sums of whole and half numbers; weights come
        last.

        Args:
            counts: float64 ``[n_replicates, n_cases]``.

        Returns:
            Three times float64 ``[n_replicates]``.
        """
        mine = counts[:, self.rows]
        n_first = mine[:, self.first]
        n_pairs = n_first * (mine @ self.comparable.T)
        right = n_first * (mine @ self.credit.T)
        return n_pairs.sum(axis=1), n_pairs @ self.weight, right @ self.weight


@dataclass(frozen=True, slots=True)
class PairMean:
    """Weighted share of concordant pairs in each fold, averaged by comparable pairs."""

    blocks: tuple[PairBlock, ...]

    def __call__(self, counts: Array) -> Array:
        """Return float64 ``[n_replicates]`` for counts ``[n_replicates, n_cases]``."""
        total, n_pairs = np.zeros(len(counts)), np.zeros(len(counts))
        for block in self.blocks:
            pairs, weight, concordant = block.sums(counts)
            total += pairs * np.nan_to_num(ratio_or_nan(concordant, weight))
            n_pairs += pairs
        return ratio_or_nan(total, n_pairs)


def ratio_or_nan(numerator: Array, denominator: Array) -> Array:
    """Return the ratio, NaN where the denominator is 0."""
    nothing = np.full(np.shape(numerator), np.nan)
    ratio: Array = np.divide(numerator, denominator, out=nothing, where=denominator > 0)
    return ratio
