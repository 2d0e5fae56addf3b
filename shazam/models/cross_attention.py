"""The fusion student v1: the mean tile of each teacher, mapped, attended among and averaged.

Equations: the Shazam paper on tiles (arXiv 2503.00736 v1). The network is one in both variants;
the corrected one standardises its inputs and is distilled from fixed targets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from shazam.config.student import Variant
from shazam.models.attention import AttentionBlock
from shazam.models.encoded import LevelOutput, StudentOutput
from shazam.models.mean_tile import project_mean
from shazam.models.presence import TeacherDropout, masked_mean, presence_of, without_unseen
from shazam.models.segments import Bags, Segments, Source
from shazam.models.stacked import StackedLinear, StackedNorm
from shazam.models.standardise import StandardisedLinear


@dataclass(frozen=True, slots=True)
class CrossAttentionShape:
    """Everything that fixes the tensors of a v1 student.

    Args:
        teachers: names, in the order of the inputs.
        level: whose features are read.
        dims: features of a tile by teacher.
        dim: width inside the student.
        n_blocks: attention blocks.
        variant: published or corrected form.
        teacher_dropout: probability of taking a teacher away in training, 0 to 1.
        impute: NaN in features becomes the training mean with an indicator.
    """

    teachers: tuple[str, ...]
    level: str
    dims: tuple[int, ...]
    dim: int
    n_blocks: int
    variant: Variant
    teacher_dropout: float = 0.0
    impute: bool = False


class CrossAttentionStudent(nn.Module):
    """The v1 student on tiles, or on the mean tile of cases; any number and widths of teachers.

    Each teacher: ``Linear - LayerNorm - ReLU - Linear - LayerNorm - ReLU``; then attention blocks
    over the teachers, their mean, and ``Linear - ReLU - LayerNorm - Linear``. Teachers that a case
    lacks are neither looked at nor averaged.

    Args:
        shape: what fixes the tensors.
        n_outputs: number of hazards or classes.
    """

    def __init__(self, shape: CrossAttentionShape, *, n_outputs: int) -> None:
        super().__init__()
        dim, n_teachers = shape.dim, len(shape.teachers)
        self.shape = shape
        self.sources: tuple[Source, ...] = tuple((name, shape.level) for name in shape.teachers)
        self.project = nn.ModuleList(
            StandardisedLinear(dim_in, dim, impute=shape.impute) for dim_in in shape.dims
        )
        self.map = nn.Sequential(
            StackedNorm(n_teachers, dim),
            nn.ReLU(),
            StackedLinear(n_teachers, dim, dim),
            StackedNorm(n_teachers, dim),
            nn.ReLU(),
        )
        self.teacher_dropout = TeacherDropout(shape.teacher_dropout)
        self.blocks = nn.ModuleList(AttentionBlock(1, dim=dim) for _ in range(shape.n_blocks))
        self.head = nn.Sequential(
            nn.Linear(dim, dim), nn.ReLU(), nn.LayerNorm(dim), nn.Linear(dim, n_outputs)
        )

    def set_statistics(self, statistics: Mapping[Source, tuple[Tensor, Tensor]]) -> None:
        """Standardise inputs by (mean, sd) of the training cases, ``[dim]`` each, by source."""
        for source, project in zip(self.sources, self.project, strict=True):
            cast(StandardisedLinear, project).standardise.set(*statistics[source])

    def forward(self, bags: Bags) -> Tensor:
        """Return logits ``[n_cases, n_outputs]``."""
        return self.encode(bags).logits

    def encode(self, bags: Bags) -> StudentOutput:
        """Return the logits with what the distillation looks at."""
        seen = presence_of(bags.present, teachers=self.shape.teachers, case_ids=bags.case_ids)
        tokens = self.tokens(bags, seen=seen)
        mapped = tokens[0]
        left = self.teacher_dropout(seen, vectors=tokens)
        for block in self.blocks:
            tokens = block(tokens, present=left)
        fused = masked_mean(tokens, present=left)[0]
        level = LevelOutput(fused=fused, pooled=mapped, weights=None)
        return StudentOutput(self.head(fused), levels={self.shape.level: level}, seen=seen)

    def tokens(self, bags: Bags, *, seen: Tensor | None) -> Tensor:
        """Return the mapped teachers, float ``[1, n_cases, n_teachers, dim]``."""
        segments = Segments(bags.offsets)
        vectors = []
        for index, (source, project) in enumerate(zip(self.sources, self.project, strict=True)):
            own = None if seen is None else seen[:, index]
            tiles = without_unseen(bags.levels[source], seen=own, segments=segments)
            vectors.append(
                project_mean(cast(StandardisedLinear, project), tiles, segments=segments)
            )
        mapped: Tensor = self.map(torch.stack(vectors))
        return mapped.transpose(0, 1)[None]
