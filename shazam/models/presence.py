"""Which teachers have seen a case: masks for those that have not, and dropout of whole teachers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from shazam.errors import FeatureError
from shazam.models.segments import Segments

_SHOWN = 5


def presence_of(
    present: Mapping[str, Tensor], *, teachers: Sequence[str], case_ids: Sequence[str]
) -> Tensor | None:
    """Return bool ``[n_cases, n_teachers]``, or None where every teacher has seen every case.

    Args:
        present: bool ``[n_cases]`` by teacher; a teacher that is not named has seen all.
        teachers: in the order of the columns.
        case_ids: of the cases, for the message.

    Raises:
        FeatureError: no teacher has seen a case.
    """
    if all(name not in present or bool(present[name].all()) for name in teachers):
        return None
    every = torch.ones_like(next(iter(present.values())))
    table = torch.stack([present.get(name, every) for name in teachers], dim=1)
    unseen = (~table.any(dim=1)).nonzero()[:, 0].tolist()
    if unseen:
        shown = ", ".join(case_ids[index] for index in unseen[:_SHOWN])
        raise FeatureError(
            f"none of {', '.join(teachers)} has features of all slides of {len(unseen)} case(s) "
            f"({shown}); a teacher that lacks one slide of a case does not count for it: complete "
            "the features, or leave these cases out"
        )
    return table


def without_unseen(tiles: Tensor, *, seen: Tensor | None, segments: Segments) -> Tensor:
    """Return tiles with zeros for the cases that the teacher has not seen.

    Whatever stands there, NaN as well, then reaches neither an output nor a gradient.

    Args:
        tiles: float ``[n_tiles, dim]``.
        seen: bool ``[n_cases]``; None for all.
        segments: borders of the cases.
    """
    if seen is None or bool(seen.all()):
        return tiles
    return tiles.masked_fill(~seen[segments.case_of_tile, None], 0.0)


def masked_mean(values: Tensor, *, present: Tensor | None) -> Tensor:
    """Return the mean over teachers, of those that are present.

    Args:
        values: float ``[..., n_cases, n_teachers, dim]``.
        present: bool ``[n_cases, n_teachers]``; None for all.
    """
    if present is None:
        return values.mean(dim=-2)
    total = values.masked_fill(~present[..., None], 0.0).sum(dim=-2)
    return total / present.sum(dim=1, keepdim=True)


class TeacherDropout(nn.Module):
    """Takes whole teachers away from cases in training, so that a fit has seen them missing.

    Each case keeps the teacher of its greatest draw, so at least one. The stream is torch's
    default generator.

    Args:
        probability: of taking a teacher away from a case, 0 to 1.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, present: Tensor | None, *, vectors: Tensor) -> Tensor | None:
        """Return who is left, bool ``[n_cases, n_teachers]`` or None for all.

        Args:
            present: bool ``[n_cases, n_teachers]``; None for all.
            vectors: ``[n_stack, n_cases, n_teachers, dim]``, whose cases and teachers they are.
        """
        n_cases, n_teachers = vectors.shape[1:3]
        if not self.training or self.probability == 0.0 or n_teachers == 1:
            return present
        draws = torch.rand(n_cases, n_teachers).to(vectors.device)
        if present is None:
            present = torch.ones_like(draws, dtype=torch.bool)
        draws = draws.masked_fill(~present, -1.0)
        greatest = draws == draws.amax(dim=1, keepdim=True)
        return present & ((draws >= self.probability) | greatest)
