"""ABMIL on the tiles of several teachers at once, each projected and then concatenated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from shazam.models.abmil import AttentionPool
from shazam.models.segments import Bags, Segments, Source, only_present
from shazam.models.standardise import StandardisedLinear


class ConcatAbmil(nn.Module):
    """``ABMIL([ReLU(P_1 x_1), ..., ReLU(P_T x_T)])`` with a linear head.

    The projection of a teacher that a case lacks is zero for all its tiles.

    Args:
        sources: (teacher, level) of each part.
        dims_in: features of a tile, by part.
        dim: width of each projection and of the pooled case.
        n_outputs: number of hazards or classes.
        impute: whether NaN stands for a missing value.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        *,
        dims_in: Sequence[int],
        dim: int,
        n_outputs: int,
        impute: bool = False,
    ) -> None:
        super().__init__()
        self.sources = tuple(sources)
        self.project = nn.ModuleList(
            StandardisedLinear(dim_in, dim, impute=impute) for dim_in in dims_in
        )
        self.pool = AttentionPool(1, dim_in=dim * len(self.sources), dim=dim)
        self.head = nn.Linear(dim, n_outputs)

    def set_statistics(self, statistics: Mapping[Source, tuple[Tensor, Tensor]]) -> None:
        """Standardise inputs by (mean, sd) of the training cases, ``[dim]`` each, by source."""
        for source, project in zip(self.sources, self.project, strict=True):
            cast(StandardisedLinear, project).standardise.set(*statistics[source])

    def forward(self, bags: Bags) -> Tensor:
        """Return logits ``[n_cases, n_outputs]``."""
        pooled = self.pool(self._tiles(bags)[None], Segments(bags.offsets))
        logits: Tensor = self.head(pooled.squeeze(0))
        return logits

    def tile_weights(self, bags: Bags) -> Tensor:
        """Return the attention of each tile, ``[n_tiles]``; that of a case sums to 1."""
        return self.pool.weights(0, self._tiles(bags), Segments(bags.offsets))

    def _tiles(self, bags: Bags) -> Tensor:
        parts = [
            only_present(torch.relu(project(bags.levels[source])), bags, teacher=source[0])
            for source, project in zip(self.sources, self.project, strict=True)
        ]
        return torch.cat(parts, dim=-1)
