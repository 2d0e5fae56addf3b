"""The linear model on the mean of a case's tile features."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from shazam.models.segments import Bags, Segments, Source, segment_mean, segment_sum
from shazam.models.standardise import Standardiser


class MeanPool(nn.Module):
    """``W (mean(x) - m) + b`` on one level of one teacher; the PCA is folded into W and b.

    A case without the teacher, and with ``impute`` a missing value, counts as the training mean m.

    Args:
        source: (teacher, level) of the features.
        dim_in: features of a tile.
        n_outputs: 1 for a risk, else the number of classes.
        impute: NaN stands for a missing value, which gets an indicator.
    """

    def __init__(
        self, source: Source, *, dim_in: int, n_outputs: int, impute: bool = False
    ) -> None:
        super().__init__()
        self.source = source
        self.standardise = Standardiser(dim_in, impute=impute)
        self.linear = nn.Linear(self.standardise.dim_out, n_outputs)

    def forward(self, bags: Bags) -> Tensor:
        """Return outputs ``[n_cases, n_outputs]``."""
        mean = self.standardise(self._mean(bags))
        present = bags.present.get(self.source[0])
        outputs: Tensor = self.linear(mean if present is None else mean * present[:, None])
        return outputs

    def _mean(self, bags: Bags) -> Tensor:
        tiles, segments = bags.levels[self.source].float(), Segments(bags.offsets)
        if not self.standardise.impute:
            return segment_mean(tiles, segments=segments)
        known = ~torch.isnan(tiles)
        total = segment_sum(tiles.nan_to_num(), segments=segments)
        return total / segment_sum(known.float(), segments=segments)  # NaN where none is known
