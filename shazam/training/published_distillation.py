"""Distillation in the published forms, for parity: their targets are made by trained layers."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from shazam.models.encoded import StudentOutput
from shazam.models.segments import Source
from shazam.training.distillation import (
    TargetBuffers,
    cosine_and_huber,
    fused_by_source,
    mean_of_terms,
    terms_of,
)
from shazam.training.teacher_targets import TeacherTargets


class OwnVectors(nn.Module):
    """The slide form: ``(1 - cos(o_l, z_li)) + Huber(o_l, z_li)``, both sides trained.

    The loss is a mean over levels and teachers.
    """

    def loss(self, output: StudentOutput, *, rows: Tensor) -> Tensor:  # noqa: ARG002
        """Return the mean loss of a batch; ``rows`` play no part, the targets are its own."""
        levels = output.levels.values()
        terms = torch.cat([_own_terms(level.fused, level.pooled) for level in levels], dim=1)
        seen = output.seen
        return mean_of_terms(terms, known=None if seen is None else seen.repeat(1, len(levels)))


class MappedFeatures(nn.Module):
    """The forms of v1 and of v2's tiles: targets are a Linear(C_i -> dim) of the features.

    The loss is a sum over levels and teachers. v2 trains the mappers. The published v1 never gave
    them to its optimiser: there they take no gradient (``requires_grad_(False)``).

    Args:
        sources: teachers and levels.
        dim: width of the student.
        features: mean tiles of all cases.
    """

    def __init__(self, sources: Sequence[Source], *, dim: int, features: TeacherTargets) -> None:
        super().__init__()
        self.sources = tuple(sources)
        self.features = TargetBuffers(features, sources=self.sources)
        self.mappers = nn.ModuleList(
            nn.Linear(features.values[source].shape[1], dim) for source in self.sources
        )

    def loss(self, output: StudentOutput, *, rows: Tensor) -> Tensor:
        """Return the summed loss of a batch, a mean over its cases.

        Args:
            output: what the student made of the batch.
            rows: int64 ``[n]``, which cases the batch holds.
        """
        features, known = self.features.of(rows)
        targets = [mapper(own) for mapper, own in zip(self.mappers, features, strict=True)]
        terms = terms_of(fused_by_source(output, self.sources), targets)
        return torch.where(known, terms, 0.0).sum(dim=1).mean()


def _own_terms(fused: Tensor, pooled: Tensor) -> Tensor:
    return cosine_and_huber(fused[:, None].expand_as(pooled), pooled)
