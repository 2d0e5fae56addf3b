"""The fusion student v2: several levels of several frozen teachers, gated and fused per case.

Equations: method of the Shazam papers (arXiv 2503.00736); ``Variant`` chooses between the
published form and the one with its faults mended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from shazam.config.tree import Variant
from shazam.models.abmil import AttentionPool
from shazam.models.attention import AttentionBlock
from shazam.models.gate import TeacherGate
from shazam.models.heads import make_head
from shazam.models.segments import Segments, Source
from shazam.models.standardise import Standardiser


@dataclass(frozen=True, slots=True)
class StudentShape:
    """Everything that fixes the student's tensors.

    Args:
        teachers: names, in the order of the inputs.
        levels: names from the lowest to the highest.
        dims: features of a tile, ``dims[level][teacher]``.
        dim: width inside the student.
        n_blocks: attention blocks per level.
        dropout: of the tile pooling, 0 to 1.
        variant: published or corrected form.
    """

    teachers: tuple[str, ...]
    levels: tuple[str, ...]
    dims: tuple[tuple[int, ...], ...]
    dim: int
    n_blocks: int
    dropout: float
    variant: Variant


@dataclass(frozen=True, slots=True)
class LevelOutput:
    """One level: ``fused`` [n_cases, dim], ``pooled`` [n_cases, n_teachers, dim], ``weights``
    of the gate [n_cases, n_teachers]."""

    fused: Tensor
    pooled: Tensor
    weights: Tensor


@dataclass(frozen=True, slots=True)
class StudentOutput:
    """``logits`` [n_cases, n_outputs] and every level, with ``fused`` after the residual chain."""

    logits: Tensor
    levels: Mapping[str, LevelOutput]


class LevelFusion(nn.Module):
    """One level: project, pool over tiles, gate over teachers, attend among them, average.

    Args:
        dims: features of a tile, one per teacher.
        shape: of the whole student.
    """

    def __init__(self, dims: Sequence[int], *, shape: StudentShape) -> None:
        super().__init__()
        dim = shape.dim
        self.standardise = nn.ModuleList(Standardiser(dim_in) for dim_in in dims)
        self.project = nn.ModuleList(nn.Linear(dim_in, dim) for dim_in in dims)
        self.pool = nn.ModuleList(AttentionPool(dim, dim=dim, dropout=shape.dropout) for _ in dims)
        self.gate = TeacherGate(len(dims), dim=dim, variant=shape.variant)
        self.blocks = nn.Sequential(*(AttentionBlock(dim) for _ in range(shape.n_blocks)))

    def forward(self, features: Sequence[Tensor], segments: Segments) -> LevelOutput:
        """Fuse the teachers' tiles, each ``[n_tiles, dims[i]]``."""
        stages = zip(self.standardise, self.project, self.pool, features, strict=True)
        vectors = [
            pool(project(standardise(tiles)), segments)
            for standardise, project, pool, tiles in stages
        ]
        pooled = torch.stack(vectors, dim=1)
        gated = self.gate(pooled)
        fused = self.blocks(gated.tokens).mean(dim=1)
        return LevelOutput(fused=fused, pooled=pooled, weights=gated.weights)


class ResidualLink(nn.Module):
    """``LayerNorm(upper + scale * lower)`` with a learnt scale that starts at 1."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.norm = nn.LayerNorm(dim)

    def forward(self, upper: Tensor, lower: Tensor) -> Tensor:
        """Join two levels, ``[n_cases, dim]`` each."""
        joined: Tensor = self.norm(upper + self.scale * lower)
        return joined


class FusionStudent(nn.Module):
    """The slide form of the student: any number of teachers, widths and levels.

    Args:
        shape: what fixes the tensors.
        n_outputs: number of hazards or classes.
    """

    def __init__(self, shape: StudentShape, *, n_outputs: int) -> None:
        super().__init__()
        self.shape = shape
        self.levels = nn.ModuleDict(
            {
                level: LevelFusion(dims, shape=shape)
                for level, dims in zip(shape.levels, shape.dims, strict=True)
            }
        )
        self.links = nn.ModuleList(ResidualLink(shape.dim) for _ in shape.levels[1:])
        self.head = make_head(shape.dim, n_outputs=n_outputs)

    def set_statistics(self, features: Mapping[Source, Tensor]) -> None:
        """Standardise inputs by tiles of the training cases, ``[n_tiles, dim]`` by source."""
        for level in self.shape.levels:
            fusion = cast(LevelFusion, self.levels[level])
            for name, standardise in zip(self.shape.teachers, fusion.standardise, strict=True):
                cast(Standardiser, standardise).set_statistics(features[name, level])

    def forward(self, features: Mapping[Source, Tensor], segments: Segments) -> Tensor:
        """Return logits ``[n_cases, n_outputs]``."""
        return self.encode(features, segments=segments).logits

    def encode(self, features: Mapping[Source, Tensor], *, segments: Segments) -> StudentOutput:
        """Return the logits with everything the distillation and the reports look at.

        Args:
            features: float ``[n_tiles, dim]`` by (teacher, level).
            segments: borders of the cases.
        """
        outputs: dict[str, LevelOutput] = {}
        lower: Tensor | None = None
        for index, (level, fusion) in enumerate(self.levels.items()):
            own = fusion([features[name, level] for name in self.shape.teachers], segments)
            lower = own.fused if lower is None else self.links[index - 1](own.fused, lower)
            outputs[level] = LevelOutput(fused=lower, pooled=own.pooled, weights=own.weights)
        return StudentOutput(logits=self.head(lower), levels=outputs)
