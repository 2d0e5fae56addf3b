"""Packed bags: the tiles of many cases in one tensor, and sums and softmaxes inside each case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

TileChoice = Sequence[npt.NDArray[np.int64]]
Source = tuple[str, str]
"""(teacher, level): where a feature tensor comes from."""


@dataclass(frozen=True, slots=True)
class Segments:
    """Borders of the cases inside a packed tensor.

    Args:
        offsets: int64 ``[n_cases + 1]``, starts with 0, strictly increasing: tiles of case ``i``
            are rows ``offsets[i]`` to ``offsets[i + 1]``.
        lengths: tiles of each case, int64 ``[n_cases]``; follows from the offsets.
        case_of_tile: int64 ``[n_tiles]``; follows from the offsets.
    """

    offsets: Tensor
    lengths: Tensor = field(init=False)
    case_of_tile: Tensor = field(init=False)

    def __post_init__(self) -> None:
        if self.offsets.ndim != 1 or len(self.offsets) < 2 or int(self.offsets[0]) != 0:
            raise ValueError("offsets must be [n_cases + 1] with n_cases >= 1 and start with 0")
        lengths = self.offsets.diff()
        if bool((lengths <= 0).any()):
            raise ValueError("every case needs at least one tile")
        cases = torch.arange(len(lengths), device=lengths.device)
        object.__setattr__(self, "lengths", lengths)
        object.__setattr__(self, "case_of_tile", cases.repeat_interleave(lengths))

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

    @property
    def present(self) -> Mapping[str, Tensor]: ...

    def to(self, device: torch.device) -> Bags:
        """Return the bags on a device."""
        ...


class BagSource(Protocol):
    """Bags of all cases, in memory or on disk, of which some are read at a time."""

    @property
    def case_ids(self) -> tuple[str, ...]: ...

    @property
    def lengths(self) -> Tensor: ...

    @property
    def dims(self) -> Mapping[Source, int]: ...

    @property
    def present(self) -> Mapping[str, Tensor]: ...

    def only(self, sources: Sequence[Source]) -> BagSource:
        """Return the source with these teachers and levels alone."""
        ...

    def select(self, indices: Sequence[int], tiles: TileChoice | None = None) -> Bags:
        """Read these cases, in this order; of each these tiles, or all."""
        ...


class TileWeighing(Protocol):
    """A network that weighs the tiles of a case against each other."""

    def tile_weights(self, bags: Bags) -> Tensor:
        """Return how much each tile counts, float ``[n_tiles]``; that of a case sums to 1."""
        ...


def only_present(tiles: Tensor, bags: Bags, *, teacher: str) -> Tensor:
    """Return tiles with those of cases that the teacher lacks at 0, as standardised their mean.

    Args:
        tiles: float ``[n_tiles, dim]``.
        bags: the cases of the tiles.
        teacher: whose features they are.
    """
    present = bags.present.get(teacher)
    if present is None:
        return tiles
    return tiles * present.repeat_interleave(bags.offsets.diff())[:, None]


def segment_sum(values: Tensor, *, segments: Segments) -> Tensor:
    """Sum the tiles of each case.

    Args:
        values: float ``[..., n_tiles, dim]``.
        segments: borders of the cases.

    Returns:
        float ``[..., n_cases, dim]``.
    """
    # many tiles do not add up in half precision
    exact = values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
    *outer, _, dim = exact.shape
    total = exact.new_zeros(*outer, segments.n_cases, dim)
    return total.index_add(-2, segments.case_of_tile, exact)


def segment_mean(values: Tensor, *, segments: Segments) -> Tensor:
    """Average the tiles of each case: ``[..., n_tiles, dim]`` to ``[..., n_cases, dim]``.

    What all tiles have in common is taken off before they are added one by one, and put back: it
    may be large beside what sets cases apart.
    """
    exact = values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
    common = exact.detach().mean(dim=-2, keepdim=True)
    total = segment_sum(exact - common, segments=segments)
    return common + total / segments.lengths[:, None]


def segment_softmax(scores: Tensor, *, segments: Segments) -> Tensor:
    """Softmax over the tiles of each case, ``[..., n_tiles, 1]`` to the same shape."""
    weights = _exp_below_one(scores, segments=segments)
    totals = segment_sum(weights, segments=segments)
    return weights / totals.index_select(-2, segments.case_of_tile)


def attention_pool(values: Tensor, *, scores: Tensor, segments: Segments) -> Tensor:
    """Average the tiles of each case, weighted by the softmax of their scores.

    ``sum_i softmax(scores)_i values_i``, divided once per case instead of once per tile.

    Args:
        values: float ``[..., n_tiles, dim]``.
        scores: float ``[..., n_tiles, 1]``.
        segments: borders of the cases.

    Returns:
        float ``[..., n_cases, dim]``.
    """
    weights = _exp_below_one(scores, segments=segments)
    weighted = segment_sum(weights * values, segments=segments)
    return weighted / segment_sum(weights, segments=segments)


def _exp_below_one(scores: Tensor, *, segments: Segments) -> Tensor:
    exact = scores.float() if scores.dtype in (torch.float16, torch.bfloat16) else scores
    lengths = segments.lengths.expand(*scores.shape[:-2], -1)
    peaks = torch.segment_reduce(
        exact.detach(), "max", lengths=lengths, axis=scores.ndim - 2, unsafe=True
    )
    return torch.exp(exact - peaks.index_select(-2, segments.case_of_tile))
