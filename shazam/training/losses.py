"""Losses of the tasks, computed from logits or standardised values."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, logsigmoid

_MIN_PAIRS = 2
_CONSTANT = 1e-6


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
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    own = intervals[:, None]
    log_kept = logsigmoid(-logits)
    before = torch.arange(logits.shape[1], device=logits.device) < own
    log_reached = torch.where(before, log_kept, 0.0).sum(dim=1)
    log_hazard = logsigmoid(logits).gather(1, own).squeeze(1)
    log_passed = log_reached + log_kept.gather(1, own).squeeze(1)
    likelihood = torch.where(
        events, log_reached + log_hazard, (1.0 - uncensored_weight) * log_passed
    )
    return -likelihood.mean()


def weighted_cross_entropy(logits: Tensor, *, labels: Tensor, class_weights: Tensor) -> Tensor:
    """Return the mean over cases of ``w_y * (-log softmax(logits)_y)``.

    It is divided by the number of cases, not by the sum of their weights: a batch of one class
    would otherwise lose its weight.

    Args:
        logits: float ``[n, n_classes]``.
        labels: int64 ``[n]``.
        class_weights: float ``[n_classes]``; ones give the plain cross entropy.
    """
    exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
    costs = cross_entropy(exact, labels, reduction="none")
    return (class_weights.to(costs.dtype)[labels] * costs).mean()


def masked_mse(values: Tensor, *, targets: Tensor, measured_per_case: float) -> Tensor:
    """Return the mean over cases of the squared errors of what was measured; 0 if nothing was.

    A case's errors are summed and divided by what an average case has measured, so that every
    measured value counts the same in whatever batch its case stands.

    Args:
        values: float ``[n, n_targets]``.
        targets: float ``[n, n_targets]``; NaN where nothing was measured.
        measured_per_case: mean number of measured targets of a training case, above 0.
    """
    errors = torch.where(targets.isnan(), 0.0, values - targets)
    return errors.square().sum() / (len(values) * measured_per_case)


def pearson_loss(values: Tensor, *, targets: Tensor) -> Tensor:
    """Return the mean over targets of ``1 - r``, r being Pearson's correlation in the batch.

    A target that has fewer than two different measured values in the batch says nothing about a
    correlation and is left out; values that do not vary count as ``r = 0``.

    Args:
        values: float ``[n, n_targets]``.
        targets: float ``[n, n_targets]``, standardised; NaN where nothing was measured.
    """
    measured = ~targets.isnan()
    known = torch.where(measured, targets, 0.0)
    exact = values.to(torch.promote_types(values.dtype, known.dtype))
    x, y = _centred(exact, measured=measured), _centred(known, measured=measured)
    spread_x, spread_y = x.square().sum(dim=0), y.square().sum(dim=0)
    n_measured = measured.sum(dim=0)
    counted = (n_measured >= _MIN_PAIRS) & (spread_y > _CONSTANT * n_measured)
    # the small spread that is added bounds the gradient where the values hardly vary
    scale = torch.where(counted, (spread_x + _CONSTANT * n_measured) * spread_y, 1.0).sqrt()
    distances = torch.where(counted, 1.0 - (x * y).sum(dim=0) / scale, 0.0)
    return distances.sum() / counted.sum().clamp(min=1)


def _centred(values: Tensor, *, measured: Tensor) -> Tensor:
    kept = torch.where(measured, values, 0.0)
    mean = kept.sum(dim=0) / measured.sum(dim=0).clamp(min=1)
    return torch.where(measured, kept - mean, 0.0)
