"""The cumulative/dynamic area under the ROC curve at a horizon."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shazam.evaluation.censoring import follow_up_months, inverse_weights
from shazam.evaluation.interval import Interval
from shazam.evaluation.pairs import Array, PairBlock, PairMean
from shazam.evaluation.truth import Truth
from shazam.manifests import Entry


class DynamicAuc(Entry):
    """How well risks tell who has the event by a horizon from who is followed beyond it."""

    months: float
    n_events: int
    n_beyond: int
    auc: Interval


class HorizonLeftOut(Entry):
    """A horizon that nothing is said about, and why."""

    months: float
    reason: str


def dynamic_auc(risk: Array, *, truth: Truth, horizon_months: float) -> PairMean:
    """Return the cumulative/dynamic AUC within folds, averaged by pairs.

    Pairs are an event by the horizon, weighted by ``1 / G(t)`` as of Uno's C, and a case followed
    beyond it (Uno et al., JASA 2007).

    Args:
        risk: float64 ``[n_cases]``, higher = higher risk.
        truth: times, events and folds.
        horizon_months: below the training range of every fold.
    """
    blocks = []
    for number in range(truth.n_folds):
        rows = truth.fold_rows(number)
        time_months = truth.time_months[rows]
        early = truth.event[rows] & (time_months <= horizon_months)
        comparable = early[:, None] & (time_months > horizon_months)[None, :]
        weights = inverse_weights(
            truth, number=number, before_months=np.nextafter(horizon_months, np.inf)
        )
        blocks.append(PairBlock.of(rows, comparable=comparable, score=risk[rows]).weighted(weights))
    return PairMean(tuple(blocks))


def judged_horizons(
    horizons_months: Sequence[float], *, truth: Truth, least: int
) -> tuple[tuple[float, ...], tuple[HorizonLeftOut, ...]]:
    """Divide horizons into those that can be judged and those that cannot.

    Args:
        horizons_months: asked for.
        truth: times, events and folds.
        least: events by a horizon, and cases followed beyond it, that it takes.
    """
    judged: list[float] = []
    left_out: list[HorizonLeftOut] = []
    for months in sorted(set(horizons_months)):
        reason = _reason(months, truth=truth, least=least)
        if reason is None:
            judged.append(months)
        else:
            left_out.append(HorizonLeftOut(months=months, reason=reason))
    return tuple(judged), tuple(left_out)


def counts_at(months: float, *, truth: Truth) -> tuple[int, int]:
    """Return the number of events by a horizon, and of cases followed beyond it."""
    early = truth.event & (truth.time_months <= months)
    return int(early.sum()), int((truth.time_months > months).sum())


def _reason(months: float, *, truth: Truth, least: int) -> str | None:
    followed = follow_up_months(truth)
    if months >= followed:
        return f"the training cases of a fold are followed for {followed:g} months only"
    n_events, n_beyond = counts_at(months, truth=truth)
    if n_events < least:
        return f"{n_events} event(s) by then, fewer than {least}"
    if n_beyond < least:
        return f"{n_beyond} case(s) followed beyond it, fewer than {least}"
    return None
