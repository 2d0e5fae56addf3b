"""Batches: the cases of a step, whole or with some of their tiles, read ahead of their use."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shazam.ahead import ahead
from shazam.models.score import TILE_BUDGET, parts_of
from shazam.models.segments import Bags, BagSource

_READERS = 1


@dataclass(frozen=True, slots=True)
class Batch:
    """Cases that are computed at once.

    Args:
        rows: int64 ``[n]``, their positions in the cohort.
        bags: of these cases, in this order.
    """

    rows: Tensor
    bags: Bags


@dataclass(frozen=True, slots=True)
class Feed:
    """Where batches come from.

    Args:
        bags: of all cases.
        tiles_per_case: drawn anew for each case and epoch in training; None takes all.
        tile_budget: tiles that are computed at once; a case is never divided.
        seed: of the draws.
        device: where the batches go.
    """

    bags: BagSource
    tiles_per_case: int | None = None
    tile_budget: int = TILE_BUDGET
    seed: int = 0
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def training(self, steps: Sequence[Tensor], *, epoch: int) -> Iterator[tuple[Batch, ...]]:
        """Give the batches of each step: one, or several if its tiles exceed the budget.

        Args:
            steps: int64 rows of the cases of each step.
            epoch: counted from 1; other epochs draw other tiles.
        """
        parts = [self._parts(rows) for rows in steps]
        flat = [(rows, self._drawn(rows, epoch=epoch)) for part in parts for rows in part]
        read = self._read(flat)
        for part in parts:
            yield tuple(next(read) for _ in part)

    def whole(self, rows: Tensor) -> Iterator[Batch]:
        """Give cases in order, with all their tiles."""
        return self._read([(part, None) for part in self._parts(rows, whole=True)])

    def _parts(self, rows: Tensor, *, whole: bool = False) -> list[Tensor]:
        lengths = self.bags.lengths[rows]
        if self.tiles_per_case is not None and not whole:
            lengths = lengths.clamp_max(self.tiles_per_case)
        return [rows[part] for part in parts_of(lengths, tile_budget=self.tile_budget)]

    def _drawn(self, rows: Tensor, *, epoch: int) -> list[npt.NDArray[np.int64]] | None:
        if self.tiles_per_case is None:
            return None
        lengths = self.bags.lengths[rows].tolist()
        return [
            draw_tiles(
                n_tiles,
                n_drawn=self.tiles_per_case,
                words=(self.seed, epoch, self.bags.case_ids[row]),
            )
            for n_tiles, row in zip(lengths, rows.tolist(), strict=True)
        ]

    def _read(
        self, asked: Sequence[tuple[Tensor, list[npt.NDArray[np.int64]] | None]]
    ) -> Iterator[Batch]:
        def read(one: tuple[Tensor, list[npt.NDArray[np.int64]] | None]) -> Batch:
            rows, tiles = one
            return Batch(rows=rows, bags=self.bags.select(rows.tolist(), tiles).to(self.device))

        # a loop's variable would keep a batch until the next one is there
        return map(itemgetter(1), ahead(read, asked, n_threads=_READERS))


def draw_tiles(n_tiles: int, *, n_drawn: int, words: tuple[int, int, str]) -> npt.NDArray[np.int64]:
    """Return the tiles of a case for one epoch, sorted, without repetition.

    Args:
        n_tiles: of the case.
        n_drawn: how many; a case with fewer gives all.
        words: seed, epoch and case: the same ones give the same tiles, in whatever order cases
            are read.
    """
    if n_tiles <= n_drawn:
        return np.arange(n_tiles)
    digest = hashlib.sha256(repr(words).encode()).digest()
    generator = np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))
    return np.sort(generator.choice(n_tiles, size=n_drawn, replace=False))
