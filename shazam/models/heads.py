"""Heads: from a case's vector to outputs, and from outputs to the scores that are reported."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

_DROPOUT = 0.1


class Head(StrEnum):
    """What a network's outputs mean.

    ``linear_risk`` is a log hazard ratio, as of a Cox model; ``values`` are the targets of
    regression, standardised by the training cases.
    """

    LINEAR_RISK = "linear_risk"
    DISCRETE_TIME = "discrete_time"
    CLASSES = "classes"
    VALUES = "values"


def make_head(dim: int, *, n_outputs: int) -> nn.Sequential:
    """Return ``Linear - GELU - Dropout .1 - LayerNorm - Linear``: ``[n, dim]`` to logits.

    Args:
        dim: features of a case.
        n_outputs: number of hazards, classes or targets.
    """
    return nn.Sequential(
        nn.Linear(dim, dim),
        nn.GELU(),
        nn.Dropout(_DROPOUT),
        nn.LayerNorm(dim),
        nn.Linear(dim, n_outputs),
    )


def survival_of(logits: Tensor) -> Tensor:
    """Return ``S_k = prod_{j<=k} (1 - sigmoid(logit_j))``, ``[n, n_intervals]``."""
    return torch.exp(logsigmoid(-logits).cumsum(dim=-1))


def scores_of(outputs: Tensor, *, head: Head) -> npt.NDArray[np.float64]:
    """Turn outputs into risks (higher = higher risk), class probabilities or values.

    Args:
        outputs: float ``[n, n_outputs]``.
        head: what the outputs mean.

    Returns:
        float64 ``[n, 1]`` risks (``-sum_k S_k`` for discrete time), ``[n, n_classes]``
        probabilities, or ``[n, n_targets]`` standardised values.
    """
    exact = outputs.detach().double()
    match head:
        case Head.LINEAR_RISK | Head.VALUES:
            scores = exact
        case Head.DISCRETE_TIME:
            scores = -survival_of(exact).sum(dim=-1, keepdim=True)
        case Head.CLASSES:
            scores = torch.softmax(exact, dim=-1)
    return scores.numpy()
