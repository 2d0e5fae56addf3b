"""The Cox partial likelihood of a batch of cases, with tied times."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from shazam.config.training import CoxTies


def cox_loss(risks: Tensor, *, time_months: Tensor, events: Tensor, ties: CoxTies) -> Tensor:
    """Return the negative log partial likelihood, divided by the number of events.

    With the risk set ``R(t)`` (time >= t) and the d cases ``D(t)`` that have their event at t,
    every time of an event costs ``-sum_D r`` and

    - Breslow (1974): ``d log sum_R exp(r)``,
    - Efron (1977): ``sum_{l=0}^{d-1} log(sum_R exp(r) - l/d sum_D exp(r))``.

    Only risk sets inside the batch are seen, so batches must be large. Without an event the loss
    and its gradient are 0. Computed in float64 on a sorted batch, O(n log n).

    Args:
        risks: float ``[n]``, log hazard ratios; adding a constant changes nothing.
        time_months: float ``[n]``.
        events: bool ``[n]``, true when the event was seen.
        ties: how equal times of events are treated.
    """
    exact, dtype = risks.double(), torch.promote_types(risks.dtype, torch.float32)
    if not bool(events.any()):
        return (exact * 0.0).sum().to(dtype)
    order = torch.argsort(time_months, descending=True, stable=True)
    exact, events = exact[order], events[order]
    groups = _Groups.of(time_months[order], events=events)
    log_at_risk = torch.logcumsumexp(exact, dim=0)[groups.last][groups.of_event]
    if ties is CoxTies.EFRON:
        log_tied = _log_tied(exact[events], groups=groups)[groups.of_event]
        removed = groups.rank.double() / groups.n_events[groups.of_event]
        log_at_risk = log_at_risk + torch.log1p(-removed * torch.exp(log_tied - log_at_risk))
    return (log_at_risk - exact[events]).mean().to(dtype)


@dataclass(frozen=True, slots=True)
class _Groups:
    """Equal times of cases sorted by falling time.

    ``last`` int64 [n_groups] is the row of a group's last case and ``n_events`` its events;
    ``of_event`` and ``rank`` int64 [n_events] give each event's group and its place among the
    events of that group, counted from 0.
    """

    last: Tensor
    n_events: Tensor
    of_event: Tensor
    rank: Tensor

    @classmethod
    def of(cls, time_months: Tensor, *, events: Tensor) -> _Groups:
        _, group, counts = torch.unique_consecutive(
            time_months, return_inverse=True, return_counts=True
        )
        of_event = group[events]
        n_events = torch.bincount(of_event, minlength=len(counts))
        first = n_events.cumsum(dim=0) - n_events
        rank = torch.arange(len(of_event), device=of_event.device) - first[of_event]
        return cls(counts.cumsum(dim=0) - 1, n_events, of_event, rank)


def _log_tied(risks: Tensor, *, groups: _Groups) -> Tensor:
    """Return ``log sum_D exp(r)`` of each group, from the risks of the events; [n_groups]."""
    lowest = torch.full(groups.n_events.shape, -torch.inf, dtype=risks.dtype, device=risks.device)
    peak = lowest.scatter_reduce(0, groups.of_event, risks.detach(), "amax")
    terms = torch.exp(risks - peak[groups.of_event])
    total = torch.zeros_like(lowest).index_add(0, groups.of_event, terms)
    return peak + torch.log(torch.where(groups.n_events > 0, total, 1.0))
