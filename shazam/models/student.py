"""The fusion student v2: several levels of several frozen teachers, gated and fused per case.

Equations: method of the Shazam papers (arXiv 2503.00736); ``Variant`` chooses between the
published form and the one with its faults mended, ``Form`` between slides and tiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import cast

import torch
from torch import Tensor, nn

from shazam.config.student import Form, Variant
from shazam.models.abmil import AttentionPool
from shazam.models.attention import AttentionBlock
from shazam.models.encoded import LevelOutput, StudentOutput
from shazam.models.gate import TeacherGate
from shazam.models.heads import make_head
from shazam.models.mean_tile import project_mean
from shazam.models.presence import TeacherDropout, masked_mean, presence_of, without_unseen
from shazam.models.segments import Bags, Segments, Source
from shazam.models.standardise import StandardisedLinear

# tensors of more values than this leave a processor's cache between two operations
_VALUES_AT_ONCE = 1 << 18
_GATE_DROPOUT = {Form.SLIDE: 0.0, Form.TILE: 0.1}


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
        form: tiles are pooled by attention, or a case is its mean tile.
        teacher_dropout: probability of taking a teacher away in training, 0 to 1.
        impute: NaN in features becomes the training mean with an indicator.
    """

    teachers: tuple[str, ...]
    levels: tuple[str, ...]
    dims: tuple[tuple[int, ...], ...]
    dim: int
    n_blocks: int
    dropout: float
    variant: Variant
    form: Form = Form.SLIDE
    teacher_dropout: float = 0.0
    impute: bool = False


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
    """The student v2: any number of teachers, widths and levels.

    Each level projects the teachers' tiles, pools them, gates over teachers, attends among them
    and averages. Stacked tensors hold the levels in order; inside ``pool`` the teachers of the
    first level come first. Teachers that a case lacks get no weight, are not looked at and are
    not averaged.

    Args:
        shape: what fixes the tensors.
        n_outputs: number of hazards or classes.
    """

    def __init__(self, shape: StudentShape, *, n_outputs: int) -> None:
        super().__init__()
        dim, n_levels, n_teachers = shape.dim, len(shape.levels), len(shape.teachers)
        dims_in = [dim_in for dims in shape.dims for dim_in in dims]
        self.shape = shape
        self.sources: tuple[Source, ...] = tuple(
            (teacher, level) for level in shape.levels for teacher in shape.teachers
        )
        self.project = nn.ModuleList(
            StandardisedLinear(dim_in, dim, impute=shape.impute) for dim_in in dims_in
        )
        if shape.form is Form.SLIDE:
            self.pool = AttentionPool(len(dims_in), dim_in=dim, dim=dim, dropout=shape.dropout)
        self.teacher_dropout = TeacherDropout(shape.teacher_dropout)
        self.gate = TeacherGate(
            n_levels,
            n_teachers=n_teachers,
            dim=dim,
            variant=shape.variant,
            dropout=_GATE_DROPOUT[shape.form],
        )
        self.blocks = nn.ModuleList(
            AttentionBlock(n_levels, dim=dim) for _ in range(shape.n_blocks)
        )
        self.links = nn.ModuleList(ResidualLink(dim) for _ in shape.levels[1:])
        self.head = make_head(dim, n_outputs=n_outputs)

    def set_statistics(self, statistics: Mapping[Source, tuple[Tensor, Tensor]]) -> None:
        """Standardise inputs by (mean, sd) of the training cases, ``[dim]`` each, by source."""
        for source, project in zip(self.sources, self.project, strict=True):
            cast(StandardisedLinear, project).standardise.set(*statistics[source])

    def forward(self, bags: Bags) -> Tensor:
        """Return logits ``[n_cases, n_outputs]``."""
        return self.encode(bags).logits

    def encode(self, bags: Bags) -> StudentOutput:
        """Return the logits with everything the distillation and the reports look at."""
        seen = presence_of(bags.present, teachers=self.shape.teachers, case_ids=bags.case_ids)
        pooled = self._pool(bags, seen=seen)
        left = self.teacher_dropout(seen, vectors=pooled)
        gated = self.gate(pooled, present=left)
        tokens = gated.tokens
        for block in self.blocks:
            tokens = block(tokens, present=left)
        chain = self._chain(masked_mean(tokens, present=left))
        outputs = {
            level: LevelOutput(
                fused=chain[index], pooled=pooled[index], weights=gated.weights[index]
            )
            for index, level in enumerate(self.shape.levels)
        }
        return StudentOutput(logits=self.head(chain[-1]), levels=outputs, seen=seen)

    def tile_weights(self, bags: Bags) -> Tensor:
        """Return the attention of each tile, ``[n_tiles]``; that of a case sums to 1.

        The mean over levels of the poolings' weights. Teachers count by the gate; in the published
        form, where the gate hardly matters, all that have seen the case count the same. Only the
        form for slides pools by attention.
        """
        segments, encoded = Segments(bags.offsets), self.encode(bags)
        inputs = self._inputs(bags, seen=encoded.seen, segments=segments)
        total = torch.zeros(len(segments.case_of_tile), device=bags.offsets.device)
        for index, (project, tiles) in enumerate(inputs):
            own = self.pool.weights(index, project(tiles), segments)
            level, teacher = divmod(index, len(self.shape.teachers))
            share = self._shares(encoded, level=self.shape.levels[level])[:, teacher]
            total = total + own * share[segments.case_of_tile]
        return total / len(self.shape.levels)

    def _shares(self, encoded: StudentOutput, *, level: str) -> Tensor:
        """Return how much each teacher counts at a level, ``[n_cases, n_teachers]``, sum 1."""
        gate = cast(Tensor, encoded.levels[level].weights)
        if self.shape.variant is Variant.CORRECTED:
            return gate
        seen = torch.ones_like(gate) if encoded.seen is None else encoded.seen.to(gate.dtype)
        return seen / seen.sum(dim=1, keepdim=True)

    def _pool(self, bags: Bags, *, seen: Tensor | None) -> Tensor:
        """Return the teachers' vectors, ``[n_levels, n_cases, n_teachers, dim]``."""
        segments = Segments(bags.offsets)
        match self.shape.form:
            case Form.SLIDE:
                pooled = torch.cat(self._attended(bags, seen=seen, segments=segments))
            case Form.TILE:
                pooled = torch.stack(
                    [
                        project_mean(project, tiles, segments=segments)
                        for project, tiles in self._inputs(bags, seen=seen, segments=segments)
                    ]
                )
        shape = len(self.shape.levels), len(self.shape.teachers), *pooled.shape[1:]
        return pooled.view(shape).transpose(1, 2)

    def _attended(self, bags: Bags, *, seen: Tensor | None, segments: Segments) -> list[Tensor]:
        """Pool the tiles of one source after the other, or of several where they are few."""
        size = max(_VALUES_AT_ONCE // (len(segments.case_of_tile) * self.shape.dim), 1)
        inputs = self._inputs(bags, seen=seen, segments=segments)
        return [
            pool(torch.stack([project(tiles) for project, tiles in islice(inputs, size)]), segments)
            for pool in self.pool.split(size)
        ]

    def _inputs(
        self, bags: Bags, *, seen: Tensor | None, segments: Segments
    ) -> Iterator[tuple[StandardisedLinear, Tensor]]:
        """Give each source's projection with its tiles."""
        n_teachers = len(self.shape.teachers)
        columns = [None] * n_teachers if seen is None else list(seen.unbind(dim=1))
        for index, (source, project) in enumerate(zip(self.sources, self.project, strict=True)):
            own = columns[index % n_teachers]
            tiles = without_unseen(bags.levels[source], seen=own, segments=segments)
            yield cast(StandardisedLinear, project), tiles

    def _chain(self, fused: Tensor) -> list[Tensor]:
        """Carry every level into the next one, ``[n_levels, n_cases, dim]``."""
        chain = [fused[0]]
        for upper, link in zip(fused[1:], self.links, strict=True):
            chain.append(link(upper, chain[-1]))
        return chain
