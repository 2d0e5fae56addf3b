"""TransMIL (Shao et al. 2021): a class token, Nystrom attention and position by convolution.

Attention is within a case, and cases differ in length: what depends on it is run case by case. The
cost is linear in the tiles. Tiles are arranged in a square in the order of the bag, as published,
so this is the one network that the order of tiles matters to.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from shazam.models.nystrom import nystrom_attention
from shazam.models.segments import Bags, Segments, Source, only_present
from shazam.models.standardise import StandardisedLinear

_HEADS = 8
_DROPOUT = 0.1
_RESIDUAL_TAPS = 33
_POSITION_TAPS = (7, 5, 3)


class TransMil(nn.Module):
    """``head(LN(layer(PPEG(layer([class token, ReLU(W x)])))))`` at the class token.

    Args:
        source: (teacher, level) of the features.
        dim_in: features of a tile.
        dim: features of a token.
        n_outputs: number of hazards or classes.
        impute: whether NaN stands for a missing value.
    """

    def __init__(
        self, source: Source, *, dim_in: int, dim: int, n_outputs: int, impute: bool = False
    ) -> None:
        super().__init__()
        self.source = source
        self.embed = StandardisedLinear(dim_in, dim, impute=impute)
        self.class_token = nn.Parameter(torch.randn(1, dim))
        self.first = AttentionLayer(dim)
        self.position = SquarePosition(dim)
        self.second = AttentionLayer(dim)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, n_outputs)

    def set_statistics(self, statistics: Mapping[Source, tuple[Tensor, Tensor]]) -> None:
        """Standardise inputs by (mean, sd) of the training cases, ``[dim]`` each, by source."""
        self.embed.standardise.set(*statistics[self.source])

    def forward(self, bags: Bags) -> Tensor:
        """Return logits ``[n_cases, n_outputs]``."""
        segments = Segments(bags.offsets)
        embedded = self.embed(bags.levels[self.source])
        tiles = torch.relu(only_present(embedded, bags, teacher=self.source[0]))
        squares = [_square(case) for case in torch.split(tiles, segments.lengths.tolist())]
        tokens = torch.cat([part for square in squares for part in (self.class_token, square)])
        lengths = [1 + len(square) for square in squares]
        tokens = self.position(self.first(tokens, lengths=lengths), lengths=lengths)
        tokens = self.second(tokens, lengths=lengths)
        first = torch.tensor([0, *lengths[:-1]], device=tokens.device).cumsum(0)
        logits: Tensor = self.head(self.norm(tokens[first]))
        return logits


def _square(tiles: Tensor) -> Tensor:
    """Return the tiles of a case with the first of them again, as many as a square number."""
    side = math.isqrt(len(tiles) - 1) + 1
    return torch.cat([tiles, tiles[: side * side - len(tiles)]])


class AttentionLayer(nn.Module):
    """``X <- X + O A(LN(X))`` with Nystrom attention A of 8 heads, or of as many as divide dim.

    ``dim / 2`` landmarks; a convolution of the values over 33 tokens is added, as published.

    Args:
        dim: features of a token.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.n_heads = math.gcd(_HEADS, dim)
        self.n_landmarks = dim // 2
        self.norm = nn.LayerNorm(dim)
        self.query_key_value = nn.Linear(dim, 3 * dim, bias=False)
        self.residual = nn.Conv2d(
            self.n_heads,
            self.n_heads,
            (_RESIDUAL_TAPS, 1),
            padding=(_RESIDUAL_TAPS // 2, 0),
            groups=self.n_heads,
            bias=False,
        )
        self.output = nn.Sequential(nn.Linear(dim, dim), nn.Dropout(_DROPOUT))

    def forward(self, tokens: Tensor, *, lengths: Sequence[int]) -> Tensor:
        """Map tokens ``[n_tokens, dim]`` of all cases to the same shape."""
        projected = self.query_key_value(self.norm(tokens))
        query, key, value = projected.unflatten(1, (3, self.n_heads, -1)).permute(1, 2, 0, 3)
        attended = nystrom_attention(
            query, key, value, lengths=lengths, n_landmarks=self.n_landmarks
        )
        near = [self.residual(part[None])[0] for part in torch.split(value, list(lengths), dim=1)]
        mixed = attended + torch.cat(near, dim=1)
        joined: Tensor = tokens + self.output(mixed.transpose(0, 1).flatten(1))
        return joined


class SquarePosition(nn.Module):
    """PPEG: the tiles as a square picture, plus its convolutions of width 7, 5 and 3.

    Args:
        dim: features of a token.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.convolve = nn.ModuleList(
            nn.Conv2d(dim, dim, taps, padding=taps // 2, groups=dim) for taps in _POSITION_TAPS
        )

    def forward(self, tokens: Tensor, *, lengths: Sequence[int]) -> Tensor:
        """Map the tokens of all cases, each ``[1 + side^2, dim]``, to the same shape."""
        weight, bias = self._kernel()
        placed = []
        for case in torch.split(tokens, list(lengths)):
            side = math.isqrt(len(case) - 1)
            picture = case[1:].T.reshape(1, -1, side, side)
            moved = conv2d(picture, weight, bias, padding=weight.shape[-1] // 2, groups=len(weight))
            placed += [case[:1], (picture + moved)[0].flatten(1).T]
        return torch.cat(placed)

    def _kernel(self) -> tuple[Tensor, Tensor]:
        """Return the sum of the kernels, which convolves as their results are summed."""
        kernels = [cast(nn.Conv2d, conv) for conv in self.convolve]
        widest = max(_POSITION_TAPS)
        weights = [pad(k.weight, [(widest - k.kernel_size[0]) // 2] * 4) for k in kernels]
        return torch.stack(weights).sum(0), torch.stack(
            [cast(Tensor, k.bias) for k in kernels]
        ).sum(0)
