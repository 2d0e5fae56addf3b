"""Distillation: the student's levels are drawn towards what the teachers see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, huber_loss

from shazam.models.encoded import StudentOutput
from shazam.models.segments import Source
from shazam.training.teacher_targets import TeacherTargets


class Distillation(Protocol):
    """A loss between a student and its teachers, with what is trained for it alone."""

    def loss(self, output: StudentOutput, *, rows: Tensor) -> Tensor:
        """Return the loss of cases ``rows`` ``[n]`` that the student made ``output`` of."""
        ...


class TargetBuffers(nn.Module):
    """Fixed targets of all cases; they follow to a device and are in no checkpoint.

    Args:
        targets: by (teacher, level).
        sources: teachers and levels, in the order in which they are given back.
    """

    known: Tensor

    def __init__(self, targets: TeacherTargets, *, sources: Sequence[Source]) -> None:
        super().__init__()
        for index, source in enumerate(sources):
            values = targets.values[source].detach()
            self.register_buffer(f"values{index}", values, persistent=False)
        known = torch.stack([targets.known[source] for source in sources], dim=1)
        self.register_buffer("known", known, persistent=False)

    def of(self, rows: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return targets ``[n, C_i]`` by source, and which are known, bool ``[n, n_sources]``."""
        rows = rows.to(self.known.device)
        values = [self.get_buffer(f"values{index}") for index in range(self.known.shape[1])]
        return [value[rows] for value in values], self.known[rows]


class CorrectedDistillation(nn.Module):
    """``(1 - cos(A o_l, y_li)) + Huber(A o_l, y_li)`` with fixed, standardised targets ``y``.

    ``A_li`` is a trained Linear(dim -> C_i); it is not part of the student and is not kept. The
    loss is a mean over the levels and teachers of a case, then over cases. A teacher that dropout
    took away is a target like any other: what it saw is known.

    Args:
        sources: teachers and levels.
        dim: width of the student.
        targets: of all cases.
    """

    def __init__(self, sources: Sequence[Source], *, dim: int, targets: TeacherTargets) -> None:
        super().__init__()
        self.sources = tuple(sources)
        self.targets = TargetBuffers(targets, sources=self.sources)
        self.adaptors = nn.ModuleList(
            nn.Linear(dim, targets.values[source].shape[1]) for source in self.sources
        )

    def loss(self, output: StudentOutput, *, rows: Tensor) -> Tensor:
        """Return the mean loss of a batch against the targets of its cases.

        Args:
            output: what the student made of the batch.
            rows: int64 ``[n]``, which cases the batch holds.
        """
        targets, known = self.targets.of(rows)
        fused = fused_by_source(output, self.sources)
        predictions = [adapt(own) for adapt, own in zip(self.adaptors, fused, strict=True)]
        return mean_of_terms(terms_of(predictions, targets), known=known)


def fused_by_source(output: StudentOutput, sources: Sequence[Source]) -> list[Tensor]:
    """Return the fused vectors ``[n, dim]`` of the level of each source."""
    levels: Mapping[str, Tensor] = {name: level.fused for name, level in output.levels.items()}
    return [levels[level] for _, level in sources]


def terms_of(predictions: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """Return ``cosine_and_huber`` of every pair, ``[n, n_pairs]``."""
    pairs = zip(predictions, targets, strict=True)
    return torch.stack([cosine_and_huber(one, other) for one, other in pairs], dim=1)


def cosine_and_huber(prediction: Tensor, target: Tensor) -> Tensor:
    """Return ``1 - cos`` plus the mean Huber loss (delta 1) of each row, float32 ``[n]``.

    Args:
        prediction: float ``[n, dim]``.
        target: float ``[n, dim]``.
    """
    own, other = prediction.float(), target.float()
    huber = huber_loss(own, other, reduction="none").mean(dim=-1)
    return 1.0 - cosine_similarity(own, other, dim=-1) + huber


def mean_of_terms(terms: Tensor, *, known: Tensor | None) -> Tensor:
    """Return the mean over cases of the mean over a case's known terms, ``[n, n_terms]``.

    It is a mean over cases, so a batch may be divided; and where all is known it is the mean over
    levels and teachers.
    """
    if known is None:
        return terms.mean()
    per_case = torch.where(known, terms, 0.0).sum(dim=1) / known.sum(dim=1).clamp_min(1)
    return per_case.mean()
