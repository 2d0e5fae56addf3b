"""Attention-based multiple instance learning (Ilse, Tomczak and Welling 2018) on packed bags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from shazam.models.dropout import TileDropout
from shazam.models.segments import Bags, Segments, Source, attention_pool, only_present
from shazam.models.stacked import StackedLinear, StackedMap
from shazam.models.standardise import Standardiser

TILE_DROPOUT = 0.25


class AttentionPool(nn.Module):
    """ABMIL pooling: ``h = ReLU(W1 x)``, ``a = w3 tanh(W2 h)``, ``z = sum softmax(a) h``.

    Dropout follows the ReLU and the tanh.

    Args:
        n_stack: number of independent poolings.
        dim_in: features of a tile.
        dim: features of the pooled case.
        dropout: probability of dropping, 0 to 1.
    """

    def __init__(
        self, n_stack: int, *, dim_in: int, dim: int, dropout: float = TILE_DROPOUT
    ) -> None:
        super().__init__()
        self.embed = StackedLinear(n_stack, dim_in, dim)
        self.attend = StackedLinear(n_stack, dim, dim)
        self.score = StackedLinear(n_stack, dim, 1, bias=False)
        self.dropout = TileDropout(dropout)

    def forward(self, features: Tensor, segments: Segments) -> Tensor:
        """Pool ``[n_stack, n_tiles, dim_in]`` to ``[n_stack, n_cases, dim]``."""
        (pool,) = self.split(len(self.embed.weight))
        return pool(features, segments)

    def split(self, size: int) -> Sequence[Callable[[Tensor, Segments], Tensor]]:
        """Return the poolings in groups of ``size``, the last one of what is left."""
        parts = (layer.split(size) for layer in (self.embed, self.attend, self.score))
        return [partial(self._pool, maps) for maps in zip(*parts, strict=True)]

    def _pool(
        self, maps: tuple[StackedMap, StackedMap, StackedMap], features: Tensor, segments: Segments
    ) -> Tensor:
        embed, attend, score = maps
        hidden = self.dropout(torch.relu_(embed(features)))
        scores = score(self.dropout(torch.tanh_(attend(hidden))))
        return attention_pool(hidden, scores=scores, segments=segments)


class Abmil(nn.Module):
    """ABMIL on one level of one teacher, with a linear head.

    Args:
        source: (teacher, level) of the features.
        dim_in: features of a tile.
        dim: features of the pooled case.
        n_outputs: number of hazards or classes.
        impute: NaN stands for a missing value, see :class:`Standardiser`.
    """

    def __init__(
        self, source: Source, *, dim_in: int, dim: int, n_outputs: int, impute: bool = False
    ) -> None:
        super().__init__()
        self.source = source
        self.standardise = Standardiser(dim_in, impute=impute)
        self.pool = AttentionPool(1, dim_in=self.standardise.dim_out, dim=dim)
        self.head = nn.Linear(dim, n_outputs)

    def set_statistics(self, statistics: Mapping[Source, tuple[Tensor, Tensor]]) -> None:
        """Standardise inputs by (mean, sd) of the training cases, ``[dim]`` each, by source."""
        self.standardise.set(*statistics[self.source])

    def forward(self, bags: Bags) -> Tensor:
        """Return logits ``[n_cases, n_outputs]``."""
        tiles = self.standardise(bags.levels[self.source])
        tiles = only_present(tiles, bags, teacher=self.source[0])
        pooled = self.pool(tiles[None], Segments(bags.offsets))
        logits: Tensor = self.head(pooled.squeeze(0))
        return logits
