"""The linear model on the mean of a case's tile features."""

from __future__ import annotations

from torch import Tensor, nn

from shazam.models.segments import Bags, Segments, Source, segment_mean


class MeanPool(nn.Module):
    """``W mean(x) + b`` on one level of one teacher; standardiser and PCA are folded into W, b.

    Args:
        source: (teacher, level) of the features.
        dim_in: features of a tile.
        n_outputs: 1 for a risk, else the number of classes.
    """

    def __init__(self, source: Source, *, dim_in: int, n_outputs: int) -> None:
        super().__init__()
        self.source = source
        self.linear = nn.Linear(dim_in, n_outputs)

    def forward(self, bags: Bags) -> Tensor:
        """Return outputs ``[n_cases, n_outputs]``."""
        mean = segment_mean(bags.levels[self.source].float(), segments=Segments(bags.offsets))
        outputs: Tensor = self.linear(mean)
        return outputs
