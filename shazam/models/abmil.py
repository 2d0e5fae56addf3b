"""Attention-based multiple instance learning (Ilse, Tomczak and Welling 2018) on packed bags."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from shazam.models.dropout import TileDropout
from shazam.models.segments import (
    Bags,
    Segments,
    Source,
    attention_pool,
    only_present,
    segment_softmax,
)
from shazam.models.stacked import StackedLinear, StackedMap
from shazam.models.standardise import Standardiser

TILE_DROPOUT = 0.25
_Maps = tuple[StackedMap, StackedMap, StackedMap]


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

    def weights(self, index: int, tiles: Tensor, segments: Segments) -> Tensor:
        """Return the weight of each tile in one of the poolings; a case's weights sum to 1.

        Args:
            index: of the pooling, 0 to ``n_stack`` - 1.
            tiles: float ``[n_tiles, dim_in]``.
            segments: borders of the cases.

        Returns:
            float ``[n_tiles]``.
        """
        embed, attend, score = self.embed, self.attend, self.score
        maps = (embed.split(1)[index], attend.split(1)[index], score.split(1)[index])
        _, scores = self._scored(maps, tiles[None])
        return segment_softmax(scores, segments=segments).flatten()

    def _pool(self, maps: _Maps, features: Tensor, segments: Segments) -> Tensor:
        hidden, scores = self._scored(maps, features)
        return attention_pool(hidden, scores=scores, segments=segments)

    def _scored(self, maps: _Maps, features: Tensor) -> tuple[Tensor, Tensor]:
        embed, attend, score = maps
        hidden = self.dropout(torch.relu_(embed(features)))
        return hidden, score(self.dropout(torch.tanh_(attend(hidden))))


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
        pooled = self.pool(self._tiles(bags)[None], Segments(bags.offsets))
        logits: Tensor = self.head(pooled.squeeze(0))
        return logits

    def tile_weights(self, bags: Bags) -> Tensor:
        """Return the attention of each tile, ``[n_tiles]``; that of a case sums to 1."""
        return self.pool.weights(0, self._tiles(bags), Segments(bags.offsets))

    def _tiles(self, bags: Bags) -> Tensor:
        tiles = self.standardise(bags.levels[self.source])
        return only_present(tiles, bags, teacher=self.source[0])
