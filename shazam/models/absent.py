"""Bags of cases that a teacher has never seen, as models of several teachers read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from shazam.models.segments import Bags, BagSource, Source, TileChoice


@dataclass(frozen=True, slots=True)
class CompletedBags:
    """Bags in memory; see :class:`shazam.models.segments.Bags`."""

    case_ids: tuple[str, ...]
    offsets: Tensor
    levels: Mapping[Source, Tensor]
    present: Mapping[str, Tensor]

    def to(self, device: torch.device) -> CompletedBags:
        """Return the bags on a device."""
        return replace(
            self,
            offsets=self.offsets.to(device),
            levels={source: tensor.to(device) for source, tensor in self.levels.items()},
            present={name: mask.to(device) for name, mask in self.present.items()},
        )


@dataclass(frozen=True, slots=True)
class WithAbsent:
    """Bags with teachers that have seen none of the cases: their features are zeros, masked.

    Args:
        bags: what is there.
        absent: width of a tile's features by (teacher, level) that is not.
    """

    bags: BagSource
    absent: Mapping[Source, int]

    @property
    def case_ids(self) -> tuple[str, ...]:
        """Names of the cases."""
        return self.bags.case_ids

    @property
    def lengths(self) -> Tensor:
        """Number of tiles of each case, int64 ``[n_cases]``."""
        return self.bags.lengths

    @property
    def dims(self) -> Mapping[Source, int]:
        """Number of features by (teacher, level)."""
        return {**self.bags.dims, **self.absent}

    @property
    def present(self) -> Mapping[str, Tensor]:
        """Which cases a teacher has seen, bool ``[n_cases]``, for teachers that lack some."""
        nowhere = torch.zeros(len(self.case_ids), dtype=torch.bool)
        return {**self.bags.present, **{teacher: nowhere for teacher, _ in self.absent}}

    def only(self, sources: Sequence[Source]) -> WithAbsent:
        """Return the bags with these teachers and levels alone."""
        there = [source for source in sources if source not in self.absent]
        own = {source: dim for source, dim in self.absent.items() if source in sources}
        return WithAbsent(self.bags.only(there), own)

    def select(self, indices: Sequence[int], tiles: TileChoice | None = None) -> Bags:
        """Read these cases, in this order; of each these tiles, or all."""
        read = self.bags.select(indices, tiles)
        n_tiles = int(read.offsets[-1])
        zeros = {
            source: torch.zeros(n_tiles, dim, dtype=torch.float16)
            for source, dim in self.absent.items()
        }
        nowhere = torch.zeros(len(read.case_ids), dtype=torch.bool)
        masks = {teacher: nowhere for teacher, _ in self.absent}
        return CompletedBags(
            case_ids=read.case_ids,
            offsets=read.offsets,
            levels={**read.levels, **zeros},
            present={**read.present, **masks},
        )
