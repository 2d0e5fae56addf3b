"""ABMIL on the tiles of several teachers at once, each projected and then concatenated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from shazam.models.abmil import AttentionPool
from shazam.models.segments import Bags, Segments, Source
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
        segments = Segments(bags.offsets)
        parts = [
            self._part(bags, source, project=project, segments=segments)
            for source, project in zip(self.sources, self.project, strict=True)
        ]
        pooled = self.pool(torch.cat(parts, dim=-1)[None], segments)
        logits: Tensor = self.head(pooled.squeeze(0))
        return logits

    @staticmethod
    def _part(bags: Bags, source: Source, *, project: nn.Module, segments: Segments) -> Tensor:
        part = torch.relu(project(bags.levels[source]))
        present = bags.present.get(source[0])
        if present is None:
            return part
        return part * present[segments.case_of_tile][:, None]
