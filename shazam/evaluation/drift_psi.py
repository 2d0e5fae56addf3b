"""The population stability index of a column, with what chance gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shazam.cells import is_missing
from shazam.cohort.values import number_of
from shazam.config.cohort import ClinicalKind
from shazam.evaluation.pairs import Array

MISSING, NO_NUMBER, OTHER = "missing", "no number", "other numbers"
_MOST_BINS = 10
_CASES_PER_BIN = 5
_PSEUDOCOUNT = 0.5
_LARGEST = 1e12

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Levels:
    """How often each level of a column occurs in both cohorts, int64 ``[n_levels]`` each."""

    names: tuple[str, ...]
    reference: Counts
    new: Counts

    @classmethod
    def of(cls, reference: Sequence[str], new: Sequence[str], *, kind: ClinicalKind) -> Levels:
        """Count cells of a column.

        Numbers fall into bins between quantiles of the reference, or are levels themselves where
        the reference has at most 10 different ones. What is missing is a level of its own.

        Args:
            reference: cells of the reference.
            new: cells of the new cohort.
            kind: what the column holds.
        """
        level_of = _Binned.of(reference) if kind is ClinicalKind.NUMBER else _by_text
        levels = [[level_of(text) for text in texts] for texts in (reference, new)]
        names = sorted({*levels[0], *levels[1]})
        row = {name: index for index, name in enumerate(names)}
        counts = [
            np.bincount([row[name] for name in own], minlength=len(names)).astype(np.int64)
            for own in levels
        ]
        return cls(tuple(name for _, name in names), *counts)

    @property
    def unseen(self) -> tuple[str, ...]:
        """Levels of the new cohort that the reference does not have."""
        return tuple(
            name
            for name, then, now in zip(self.names, self.reference, self.new, strict=True)
            if now > 0 and then == 0
        )


def population_stability_index(reference: Counts, new: Counts) -> Array:
    """Return ``sum((q - p) log(q / p))`` over levels, where p and q are shares of both cohorts.

    Half a case is added to every level, so that an empty one gives a number. It is at least 0.

    Args:
        reference: counts ``[..., n_levels]``.
        new: counts ``[..., n_levels]``.
    """
    p, q = (_shares(counts) for counts in (reference, new))
    index: Array = ((q - p) * np.log(q / p)).sum(axis=-1)
    return np.maximum(index, 0.0)


def chance_of_index(levels: Levels, *, n_draws: int, seed: int) -> float:
    """Return how often cases dealt anew to the two cohorts give so great an index.

    Small cohorts give great indices without any drift. The observed one is counted once, so that it
    is never 0.
    """
    n_new = int(levels.new.sum())
    pooled = levels.reference + levels.new
    drawn = np.random.default_rng(seed).multivariate_hypergeometric(
        pooled, n_new, size=n_draws, method="marginals"
    )
    indices = population_stability_index(pooled - drawn, drawn)
    observed = population_stability_index(levels.reference, levels.new)
    return float((1 + np.count_nonzero(indices >= observed - 1e-12)) / (n_draws + 1))


def numbers_of(texts: Sequence[str]) -> Array:
    """Return the numbers among some cells, float64 ``[n]``; none is beyond 1e12."""
    known = (_number(text) for text in texts if not is_missing(text))
    return np.array([number for number in known if number is not None], dtype=np.float64)


def kind_of(texts: Sequence[str]) -> ClinicalKind:
    """Return whether all cells of the reference that say something are numbers."""
    known = [text for text in texts if not is_missing(text)]
    numeric = bool(known) and all(_number(text) is not None for text in known)
    return ClinicalKind.NUMBER if numeric else ClinicalKind.CATEGORY


def _number(text: str) -> float | None:
    number = number_of(text)
    return number if number is not None and abs(number) <= _LARGEST else None


_Level = tuple[int, str]
"""A place in the order of levels, and a name."""
_LAST = _MOST_BINS + 1


def _by_text(text: str) -> _Level:
    return (_LAST, MISSING) if is_missing(text) else (0, text.strip())


@dataclass(frozen=True, slots=True)
class _Binned:
    """Levels of a column of numbers: single values, or bins up to each of some edges."""

    values: tuple[float, ...]
    edges: tuple[float, ...]

    @classmethod
    def of(cls, reference: Sequence[str]) -> _Binned:
        known = numbers_of(reference)
        distinct = np.unique(known)
        if len(distinct) <= _MOST_BINS:
            return cls(tuple(distinct.tolist()), ())
        n_bins = min(_MOST_BINS, max(2, len(known) // _CASES_PER_BIN))
        edges = np.unique(np.quantile(known, np.linspace(0, 1, n_bins + 1)[1:-1]))
        return cls((), tuple(edges.tolist()))

    def __call__(self, text: str) -> _Level:
        if is_missing(text):
            return _LAST, MISSING
        number = _number(text)
        if number is None:
            return _LAST, NO_NUMBER
        if not self.edges:
            known = number in self.values
            place = self.values.index(number) if known else _MOST_BINS
            return place, f"{number:g}" if known else OTHER
        place = int(np.searchsorted(self.edges, number))
        if place == len(self.edges):
            return place, f"above {self.edges[-1]:g}"
        above = f"above {self.edges[place - 1]:g} " if place else ""
        return place, f"{above}to {self.edges[place]:g}".strip()


def _shares(counts: Counts) -> Array:
    filled = counts + _PSEUDOCOUNT
    shares: Array = filled / filled.sum(axis=-1, keepdims=True)
    return shares
