"""LogitProd: the weighted product of single-teacher heads (arXiv 2604.07779)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from shazam.models.segments import Bags, Segments, Source, TileWeighing

_NOTHING = 1e-6  # what a solver leaves of a weight that is 0


class LogitProd(nn.Module):
    """``sum_t w_t logits_t`` of frozen networks, with ``w_t >= 0`` that sum to 1.

    Args:
        parts: the networks; each takes bags and gives ``[n_cases, n_outputs]``.
    """

    weights: Tensor

    def __init__(self, parts: Sequence[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        self.register_buffer("weights", torch.full((len(parts),), 1.0 / len(parts)))

    def forward(self, bags: Bags) -> Tensor:
        """Return logits ``[n_cases, n_outputs]``."""
        logits = torch.stack([part(bags) for part in self.parts])
        return weighted(logits, weights=self.weights, seen=self._seen(bags))

    def tile_weights(self, bags: Bags) -> Tensor:
        """Return the attention of each tile, ``[n_tiles]``: that of the parts, by their weights.

        Every part must give one of its own. That of a case sums to 1.
        """
        own = torch.stack([cast(TileWeighing, part).tile_weights(bags) for part in self.parts])
        case_of_tile = Segments(bags.offsets).case_of_tile
        seen = self._seen(bags)
        of_tiles = None if seen is None else seen[:, case_of_tile]
        return weighted(own[..., None], weights=self.weights, seen=of_tiles).flatten()

    def _seen(self, bags: Bags) -> Tensor | None:
        """Return which parts' teachers have seen which case, bool ``[n_parts, n_cases]``."""
        if not bags.present:
            return None
        everywhere = torch.ones(len(bags.case_ids), dtype=torch.bool, device=self.weights.device)
        teachers = [cast(Source, part.source)[0] for part in self.parts]
        return torch.stack([bags.present.get(teacher, everywhere) for teacher in teachers])


def weighted(logits: Tensor, *, weights: Tensor, seen: Tensor | None = None) -> Tensor:
    """Return the weighted sum of logits, ``[n_cases, n_outputs]``.

    A part whose teacher has not seen a case does not count for it: the weights of the others are
    scaled to sum to 1, or count the same where all of them are 0 (below 1e-6 in sum). A case that
    no teacher has seen keeps all weights.

    Args:
        logits: float ``[n_parts, n_cases, n_outputs]``.
        weights: float ``[n_parts]``, sum 1.
        seen: bool ``[n_parts, n_cases]``; None for all.
    """
    own = weights.to(logits.dtype)
    if seen is None:
        return torch.einsum("tno,t->no", logits, own)
    counted = torch.where(seen.any(dim=0), seen, True).to(logits.dtype)
    masked = own[:, None] * counted
    masked = torch.where(masked.sum(dim=0) > _NOTHING, masked, counted)
    return torch.einsum("tno,tn->no", logits, masked / masked.sum(dim=0))
