"""Intervals and paired differences by bootstrap over cases, stratified by fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shazam.evaluation.pairs import Array

_LEVEL = 0.95
CROSS_FIT = 2.0
"""How much greater the variance of a model without signal can be than draws of cases show."""
_MIN_SITES = 10


@dataclass(frozen=True, slots=True)
class Draws:
    """A metric and its replicates, float64 ``[n_replicates]``; NaN where it has no value."""

    value: float
    replicates: Array


def bootstrap_counts(
    fold: NDArray[np.int64],
    *,
    groups: Sequence[str] | None = None,
    n_replicates: int,
    seed: int,
) -> Array:
    """Draw how often each case is counted; every fold keeps its number of groups.

    Args:
        fold: int64 ``[n_cases]``, the fold of each case.
        groups: the group of each case, which is drawn as a whole; None draws single cases.
        n_replicates: number of draws.
        seed: of the draws.

    Returns:
        float64 ``[n_replicates, n_cases]`` of whole numbers.
    """
    group = np.arange(len(fold)) if groups is None else np.unique(groups, return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    counts = np.zeros((n_replicates, len(fold)))
    for number in np.unique(fold):
        rows = np.flatnonzero(fold == number)
        found, member = np.unique(group[rows], return_inverse=True)
        drawn = rng.multinomial(len(found), np.full(len(found), 1 / len(found)), size=n_replicates)
        counts[:, rows] = drawn[:, member]
    return counts


def site_counts(
    sites: Sequence[str | None], *, groups: Sequence[str], n_replicates: int, seed: int
) -> Array | None:
    """Draw whole sites over all folds; None where there are fewer than 10.

    Args:
        sites: of each case; cases without one are drawn by their group.
        groups: the group of each case.
        n_replicates: number of draws.
        seed: of the draws.

    Returns:
        float64 ``[n_replicates, n_cases]`` of whole numbers.
    """
    if len({site for site in sites if site is not None}) < _MIN_SITES:
        return None
    cluster = [
        f"group {group}" if site is None else f"site {site}"
        for site, group in zip(sites, groups, strict=True)
    ]
    everywhere = np.zeros(len(cluster), dtype=np.int64)
    return bootstrap_counts(everywhere, groups=cluster, n_replicates=n_replicates, seed=seed)


def percentile_interval(replicates: Array) -> tuple[float, float]:
    """Return the central 95 % of the replicates that could be computed.

    Args:
        replicates: float64 ``[n_replicates]``; NaN where a draw held no comparable pair.
    """
    known = replicates[np.isfinite(replicates)]
    tail = (1 - _LEVEL) / 2
    lower, upper = np.quantile(known, [tail, 1 - tail])
    return float(lower), float(upper)


def lower_without_signal(value: float, lower: float) -> float:
    """Return the lower bound of a cross-validated metric, wide enough for a model without signal.

    Two cases of different folds each train the model that scores the other. Without signal these
    two terms of their pair are all that varies; by Cauchy and Schwarz their sum has at most twice
    the variance that cases drawn one by one show, and linear models come near it.

    Args:
        value: the metric.
        lower: lower bound of its interval by bootstrap over cases.
    """
    return widened(value, (lower, lower))[0]


def widened(value: float, ends: tuple[float, float]) -> tuple[float, float]:
    """Return an interval whose ends lie sqrt(2) as far from the value, as for no signal.

    Args:
        value: the metric.
        ends: of its interval by bootstrap over cases.
    """
    lower, upper = (value + float(np.sqrt(CROSS_FIT)) * (end - value) for end in ends)
    return lower, upper


def widened_draws(draws: Draws) -> Array:
    """Return draws sqrt(2) as far from their value, float64 ``[n_replicates]``; see above."""
    return draws.value + float(np.sqrt(CROSS_FIT)) * (draws.replicates - draws.value)


def difference_draws(first: Draws, second: Draws, *, first_told: bool, second_told: bool) -> Array:
    """Return the draws of the first metric minus the second, wide enough for those not told.

    An arm that is not told from guessing shows too little variance (:func:`lower_without_signal`):
    its draws are taken sqrt(2) as far from its value. By the same inequality the difference has at
    most twice the variance that its paired draws show, and it is never given more; nor less than
    these show, which arms that move together would have if the one not told moves less.

    Args:
        first: of one arm.
        second: of the other, on the same draws.
        first_told: whether the first is told from guessing.
        second_told: whether the second is.

    Returns:
        float64 ``[n_replicates]``.
    """
    paired = first.replicates - second.replicates
    if first_told and second_told:
        return paired
    value = first.value - second.value
    factor = float(np.sqrt(CROSS_FIT))
    doubled = factor * (paired - value)
    if not first_told and not second_told:
        return value + doubled
    apart = [
        (1.0 if told else factor) * (draws.replicates - draws.value)
        for draws, told in ((first, first_told), (second, second_told))
    ]
    spread = apart[0] - apart[1]
    known = np.isfinite(spread)
    if not known.any():
        return value + spread
    own, least, most = (np.std(draws[known]) for draws in (spread, paired, doubled))
    if own < least:
        return paired
    return value + (doubled if own > most else spread)


def two_sided_p(replicates: Array) -> float:
    """Return the bootstrap p-value of a difference of 0: how far 0 lies in the tail.

    The drawn sample itself is counted once, so p is never 0 (Davison and Hinkley 1997, 4.2).
    """
    known = replicates[np.isfinite(replicates)]
    below, above = np.count_nonzero(known <= 0), np.count_nonzero(known >= 0)
    return float(min(1.0, 2 * (min(below, above) + 1) / (len(known) + 1)))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return p-values adjusted for their number (Holm 1979), in the order given."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return tuple(adjusted)
