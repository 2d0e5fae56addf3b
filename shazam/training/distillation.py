"""Distillation: the student's levels are drawn towards what the teachers see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, huber_loss

from shazam.models.segments import Source
from shazam.models.student import StudentOutput, StudentShape
from shazam.training.moments import Moments


class FaithfulDistillation(nn.Module):
    """The published form: ``(1 - cos(o_l, z_li)) + Huber(o_l, z_li)``, both sides trained."""

    def loss(self, output: StudentOutput, *, rows: Tensor) -> Tensor:  # noqa: ARG002
        """Return the mean loss of a batch; ``rows`` play no part, the targets are its own."""
        terms = [
            cosine_and_huber(level.fused, pooled)
            for level in output.levels.values()
            for pooled in level.pooled.unbind(dim=1)
        ]
        return torch.stack(terms).mean()


class CorrectedDistillation(nn.Module):
    """``(1 - cos(A o_l, y_li)) + Huber(A o_l, y_li)`` with fixed, standardised targets ``y``.

    ``A_li`` is a trained Linear(dim -> C_i); it is not part of the student and is not kept.

    Args:
        shape: of the student.
        targets: float32 ``[n_cases, C_i]`` by (teacher, level), see :func:`standard_targets`.
    """

    def __init__(self, shape: StudentShape, *, targets: Mapping[Source, Tensor]) -> None:
        super().__init__()
        self.sources: tuple[Source, ...] = tuple(
            (teacher, level) for level in shape.levels for teacher in shape.teachers
        )
        self.targets = {source: targets[source].detach() for source in self.sources}
        self.adaptors = nn.ModuleList(
            nn.Linear(shape.dim, targets[source].shape[1]) for source in self.sources
        )

    def loss(self, output: StudentOutput, *, rows: Tensor) -> Tensor:
        """Return the mean loss of a batch against the targets of its cases.

        Args:
            output: what the student made of the batch.
            rows: int64 ``[n]``, which cases the batch holds.
        """
        terms = [
            cosine_and_huber(adaptor(output.levels[source[1]].fused), self.targets[source][rows])
            for source, adaptor in zip(self.sources, self.adaptors, strict=True)
        ]
        return torch.stack(terms).mean()


def cosine_and_huber(prediction: Tensor, target: Tensor) -> Tensor:
    """Return the mean over rows of ``1 - cos`` plus the mean Huber loss (delta 1).

    Args:
        prediction: float ``[n, dim]``.
        target: float ``[n, dim]``.
    """
    cosine = 1.0 - cosine_similarity(prediction, target, dim=-1)
    return cosine.mean() + huber_loss(prediction, target)


def standard_targets(
    moments: Moments, *, sources: Sequence[Source], train: Tensor
) -> dict[Source, Tensor]:
    """Return the mean tile feature of every case, standardised over the training cases.

    Args:
        moments: of all cases.
        sources: teachers and levels.
        train: int64 ``[n_train]``, rows of the training cases.

    Returns:
        float32 ``[n_cases, dim]`` by (teacher, level), without gradient; 0 where nothing is known.
    """
    return {
        source: moments.standard_case_means(source, rows=train).nan_to_num() for source in sources
    }
