"""Pairs of cases inside a fold, and the share of them that scores put in the right order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TIED = 1e-8


@dataclass(frozen=True, slots=True)
class PairBlock:
    """Pairs (i, j) of one fold, ``[m, m]``: comparable, their weight, weight if concordant."""

    rows: NDArray[np.int64]
    pairs: Array
    weight: Array
    concordant: Array

    @classmethod
    def of(
        cls, rows: NDArray[np.int64], *, comparable: NDArray[np.bool_], score: Array
    ) -> PairBlock:
        known = np.where(np.isfinite(score), score, np.nan)
        difference = known[:, None] - known[None, :]
        credit = np.where(np.abs(difference) <= _TIED, 0.5, (difference > 0).astype(np.float64))
        pairs = comparable.astype(np.float64)
        return cls(rows=rows, pairs=pairs, weight=pairs, concordant=pairs * credit)

    def weighted(self, weight: Array) -> PairBlock:
        """Weight each pair by its first case."""
        return PairBlock(
            rows=self.rows,
            pairs=self.pairs * (weight > 0)[:, None],
            weight=self.weight * weight[:, None],
            concordant=self.concordant * weight[:, None],
        )


@dataclass(frozen=True, slots=True)
class PairMean:
    """Weighted share of concordant pairs in each fold, averaged by comparable pairs."""

    blocks: tuple[PairBlock, ...]

    def __call__(self, counts: Array) -> Array:
        """Return float64 ``[n_replicates]`` for counts ``[n_replicates, n_cases]``."""
        total, n_pairs = np.zeros(len(counts)), np.zeros(len(counts))
        for block in self.blocks:
            mine = counts[:, block.rows]
            pairs = _quadratic(mine, block.pairs)
            share = ratio_or_nan(_quadratic(mine, block.concordant), _quadratic(mine, block.weight))
            total += pairs * np.nan_to_num(share)
            n_pairs += pairs
        return ratio_or_nan(total, n_pairs)


def _quadratic(counts: Array, matrix: Array) -> Array:
    product: Array = np.einsum("bi,bi->b", counts @ matrix, counts)
    return product


def ratio_or_nan(numerator: Array, denominator: Array) -> Array:
    """Return the ratio, NaN where the denominator is 0."""
    nothing = np.full(np.shape(numerator), np.nan)
    ratio: Array = np.divide(numerator, denominator, out=nothing, where=denominator > 0)
    return ratio
