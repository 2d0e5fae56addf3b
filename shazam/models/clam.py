"""CLAM with a single attention branch (Lu et al. 2021) on packed bags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from shazam.models.abmil import TILE_DROPOUT
from shazam.models.dropout import TileDropout
from shazam.models.segments import (
    Bags,
    Segments,
    Source,
    attention_pool,
    only_present,
    segment_softmax,
)
from shazam.models.standardise import StandardisedLinear

N_EXTREME = 8


@dataclass(frozen=True, slots=True)
class ClamOutput:
    """``logits`` [n_cases, n_outputs]; ``hidden`` [n_tiles, dim] and attention ``scores``
    [n_tiles] of the tiles, with their borders."""

    logits: Tensor
    hidden: Tensor
    scores: Tensor
    segments: Segments


class ClamSb(nn.Module):
    """Gated attention: ``h = ReLU(W1 x)``, ``a = w (tanh(V h) * sigmoid(U h))``,
    ``z = sum softmax(a) h``, and a linear head.

    Dropout follows the ReLU and both branches of the gate.

    Args:
        source: (teacher, level) of the features.
        dim_in: features of a tile.
        dim: features of the pooled case.
        n_outputs: number of hazards or classes.
        impute: whether NaN stands for a missing value.
    """

    def __init__(
        self, source: Source, *, dim_in: int, dim: int, n_outputs: int, impute: bool = False
    ) -> None:
        super().__init__()
        self.source = source
        self.embed = StandardisedLinear(dim_in, dim, impute=impute)
        self.attend = nn.Linear(dim, dim)
        self.gate = nn.Linear(dim, dim)
        self.score = nn.Linear(dim, 1)
        self.dropout = TileDropout(TILE_DROPOUT)
        self.head = nn.Linear(dim, n_outputs)

    def set_statistics(self, statistics: Mapping[Source, tuple[Tensor, Tensor]]) -> None:
        """Standardise inputs by (mean, sd) of the training cases, ``[dim]`` each, by source."""
        self.embed.standardise.set(*statistics[self.source])

    def forward(self, bags: Bags) -> Tensor:
        """Return logits ``[n_cases, n_outputs]``."""
        return self.encode(bags).logits

    def tile_weights(self, bags: Bags) -> Tensor:
        """Return the attention of each tile, ``[n_tiles]``; that of a case sums to 1."""
        output = self.encode(bags)
        return segment_softmax(output.scores[:, None], segments=output.segments).flatten()

    def encode(self, bags: Bags) -> ClamOutput:
        """Return the logits with what the instance clustering looks at."""
        segments = Segments(bags.offsets)
        embedded = self.embed(bags.levels[self.source])
        embedded = only_present(embedded, bags, teacher=self.source[0])
        hidden = self.dropout(torch.relu(embedded))
        attended = self.dropout(torch.tanh(self.attend(hidden)))
        scores = self.score(attended * self.dropout(torch.sigmoid(self.gate(hidden))))
        pooled = attention_pool(hidden, scores=scores, segments=segments)
        return ClamOutput(
            logits=self.head(pooled), hidden=hidden, scores=scores.squeeze(-1), segments=segments
        )


class InstanceClustering(nn.Module):
    """A binary classifier of tiles for each class; it is trained beside CLAM and then dropped.

    In the classifier of the case's class its most attended tiles are positive and its least
    attended ones negative; in those of the other classes the most attended ones are negative.
    Cross entropy stands for the smooth SVM loss of the publication.

    Args:
        dim: features of a tile inside CLAM.
        n_classes: number of classes.
    """

    def __init__(self, dim: int, *, n_classes: int) -> None:
        super().__init__()
        self.n_classes = n_classes
        self.classify = nn.Linear(dim, n_classes)

    def loss(self, output: ClamOutput, *, labels: Tensor) -> Tensor:
        """Return the mean loss over classes and cases; a case of one tile costs nothing.

        Args:
            output: of CLAM.
            labels: int64 ``[n_cases]``.
        """
        case = output.segments.case_of_tile
        top, bottom, n_taken = extreme_tiles(output.scores.detach(), segments=output.segments)
        if len(top) == 0:
            return output.logits.new_zeros(())
        own = one_hot(labels[case[top]], self.n_classes).to(output.hidden.dtype)
        share = 1.0 / n_taken[case[top]][:, None]
        in_top = binary_cross_entropy_with_logits(
            self.classify(output.hidden[top]), own, weight=share / (1.0 + own), reduction="sum"
        )
        negative = self.classify(output.hidden[bottom]).gather(1, labels[case[bottom]][:, None])
        in_bottom = binary_cross_entropy_with_logits(
            negative,
            torch.zeros_like(negative),
            weight=0.5 / n_taken[case[bottom]][:, None],
            reduction="sum",
        )
        return (in_top + in_bottom) / (self.n_classes * len(labels))


def extreme_tiles(scores: Tensor, *, segments: Segments) -> tuple[Tensor, Tensor, Tensor]:
    """Return rows of the most and of the least attended tiles, and how many of either by case.

    At most 8 of a case and at most half of its tiles, so that none is both.

    Args:
        scores: float ``[n_tiles]``.
        segments: borders of the cases.
    """
    by_score = scores.argsort(stable=True)
    order = by_score[segments.case_of_tile[by_score].argsort(stable=True)]
    case = segments.case_of_tile
    rank = torch.arange(len(scores), device=scores.device) - segments.offsets[:-1][case]
    n_taken = (segments.lengths // 2).clamp(max=N_EXTREME)
    top = order[rank >= (segments.lengths - n_taken)[case]]
    return top, order[rank < n_taken[case]], n_taken
