"""Losses of the tasks, computed from logits."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid

__all__ = ["cross_entropy", "discrete_time_nll"]


def discrete_time_nll(
    logits: Tensor, *, intervals: Tensor, events: Tensor, uncensored_weight: float
) -> Tensor:
    """Return the mean negative log-likelihood of discrete-time survival.

    With hazards ``h_k = sigmoid(logit_k)`` and ``S_k = prod_{j<=k} (1 - h_j)``: a case with an
    event in interval y costs ``-log S_{y-1} - log h_y``, a case censored there ``-log S_y``; the
    cost of events has weight 1 and that of censored cases ``1 - uncensored_weight``
    (Zadeh and Schmid 2020, in the form of Chen et al. 2021).

    Args:
        logits: float ``[n, n_intervals]``.
        intervals: int64 ``[n]``, counted from 0.
        events: bool ``[n]``, true when the event was seen.
        uncensored_weight: 0 to 1.
    """
    log_survival = logsigmoid(-logits).cumsum(dim=-1)
    own = intervals[:, None]
    reached = log_survival.gather(1, own).squeeze(1)
    log_odds = logits.gather(1, own).squeeze(1)
    # log S_{y-1} + log h_y = log S_y - log(1 - h_y) + log h_y, and the last two give the logit
    likelihood = torch.where(events, reached + log_odds, (1.0 - uncensored_weight) * reached)
    return -likelihood.mean()
