"""Packed bags: the tiles of many cases in one tensor, and sums and softmaxes inside each case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

Source = tuple[str, str]
"""(teacher, level): where a feature tensor comes from."""


@dataclass(frozen=True, slots=True)
class Segments:
    """Borders of the cases inside a packed tensor.

    Args:
        offsets: int64 ``[n_cases + 1]``, starts with 0, strictly increasing: tiles of case ``i``
            are rows ``offsets[i]`` to ``offsets[i + 1]``.
        lengths: number of tiles of each case, int64 ``[n_cases]``; follows from the offsets.
    """

    offsets: Tensor
    lengths: Tensor = field(init=False)

    def __post_init__(self) -> None:
        if self.offsets.ndim != 1 or len(self.offsets) < 2 or int(self.offsets[0]) != 0:
            raise ValueError("offsets must be [n_cases + 1] with n_cases >= 1 and start with 0")
        object.__setattr__(self, "lengths", self.offsets.diff())
        if bool((self.lengths <= 0).any()):
            raise ValueError("every case needs at least one tile")

    @property
    def n_cases(self) -> int:
        """Number of cases."""
        return len(self.offsets) - 1


class Bags(Protocol):
    """What models need of packed bags; every feature tensor is ``[n_tiles, dim]``."""

    @property
    def case_ids(self) -> tuple[str, ...]: ...

    @property
    def offsets(self) -> Tensor: ...

    @property
    def levels(self) -> Mapping[Source, Tensor]: ...

    def select(self, indices: Sequence[int]) -> Bags:
        """Return the bags of these cases, in this order."""
        ...


def segment_sum(values: Tensor, *, segments: Segments) -> Tensor:
    """Sum the tiles of each case.

    Args:
        values: float ``[n_tiles, dim]``.
        segments: borders of the cases.

    Returns:
        float ``[n_cases, dim]``.
    """
    return torch.segment_reduce(values, "sum", lengths=segments.lengths, axis=0, unsafe=True)


def segment_mean(values: Tensor, *, segments: Segments) -> Tensor:
    """Average the tiles of each case: ``[n_tiles, dim]`` to ``[n_cases, dim]``."""
    return segment_sum(values, segments=segments) / segments.lengths[:, None]


def segment_softmax(scores: Tensor, *, segments: Segments) -> Tensor:
    """Softmax over the tiles of each case, ``[n_tiles, 1]`` to ``[n_tiles, 1]``."""
    weights = _exp_below_one(scores, segments=segments)
    totals = segment_sum(weights, segments=segments)
    return weights / totals.repeat_interleave(segments.lengths, dim=0)


def attention_pool(values: Tensor, *, scores: Tensor, segments: Segments) -> Tensor:
    """Average the tiles of each case, weighted by the softmax of their scores.

    ``sum_i softmax(scores)_i values_i``, divided once per case instead of once per tile.

    Args:
        values: float ``[n_tiles, dim]``.
        scores: float ``[n_tiles, 1]``.
        segments: borders of the cases.

    Returns:
        float ``[n_cases, dim]``.
    """
    weights = _exp_below_one(scores, segments=segments)
    weighted = segment_sum(weights * values, segments=segments)
    return weighted / segment_sum(weights, segments=segments)


def _exp_below_one(scores: Tensor, *, segments: Segments) -> Tensor:
    lengths = segments.lengths
    peaks = torch.segment_reduce(scores.detach(), "max", lengths=lengths, axis=0, unsafe=True)
    return torch.exp(scores - peaks.repeat_interleave(lengths, dim=0))
