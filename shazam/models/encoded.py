"""What a student makes of cases, beside its logits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class LevelOutput:
    """One level.

    Args:
        fused: float ``[n_cases, dim]``, after the residual chain.
        pooled: float ``[n_cases, n_teachers, dim]``, the teachers' vectors before they meet.
        weights: of the gate, float ``[n_cases, n_teachers]``; None where there is no gate.
    """

    fused: Tensor
    pooled: Tensor
    weights: Tensor | None


@dataclass(frozen=True, slots=True)
class StudentOutput:
    """What a student makes of cases.

    Args:
        logits: float ``[n_cases, n_outputs]``.
        levels: by name, from the lowest to the highest.
        seen: which teachers have seen which cases, bool ``[n_cases, n_teachers]``; None for all.
    """

    logits: Tensor
    levels: Mapping[str, LevelOutput]
    seen: Tensor | None
