"""Specs: everything that fixes an arm's network, as it is kept in the arm's JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from shazam.manifests import Entry
from shazam.models.abmil import Abmil
from shazam.models.cross_attention import CrossAttentionShape, CrossAttentionStudent
from shazam.models.mean_pool import MeanPool
from shazam.models.segments import Source
from shazam.models.student import FusionStudent, StudentShape


class MeanPoolSpec(Entry):
    """A linear model on mean features; ``dim_in`` features of a tile."""

    kind: Literal["mean_pool"] = "mean_pool"
    teacher: str
    level: str
    dim_in: PositiveInt
    impute: bool = False

    def sources(self) -> tuple[Source, ...]:
        """Return the (teacher, level) pairs that the network reads."""
        return ((self.teacher, self.level),)

    def build(self, *, n_outputs: int) -> MeanPool:
        """Return the network with freshly drawn weights."""
        source = (self.teacher, self.level)
        return MeanPool(source, dim_in=self.dim_in, n_outputs=n_outputs, impute=self.impute)


class AbmilSpec(Entry):
    """ABMIL on one level of one teacher; ``dim`` features of the pooled case."""

    kind: Literal["abmil"] = "abmil"
    teacher: str
    level: str
    dim_in: PositiveInt
    dim: PositiveInt
    impute: bool = False

    def sources(self) -> tuple[Source, ...]:
        """Return the (teacher, level) pairs that the network reads."""
        return ((self.teacher, self.level),)

    def build(self, *, n_outputs: int) -> Abmil:
        """Return the network with freshly drawn weights."""
        source = (self.teacher, self.level)
        return Abmil(
            source,
            dim_in=self.dim_in,
            dim=self.dim,
            n_outputs=n_outputs,
            impute=self.impute,
        )


class StudentSpec(Entry):
    """The fusion student v2."""

    kind: Literal["fusion_student_v2"] = "fusion_student_v2"
    shape: StudentShape

    def sources(self) -> tuple[Source, ...]:
        """Return the (teacher, level) pairs that the network reads."""
        shape = self.shape
        return tuple((name, level) for level in shape.levels for name in shape.teachers)

    def build(self, *, n_outputs: int) -> FusionStudent:
        """Return the network with freshly drawn weights."""
        return FusionStudent(self.shape, n_outputs=n_outputs)


class CrossAttentionSpec(Entry):
    """The fusion student v1."""

    kind: Literal["fusion_student_v1"] = "fusion_student_v1"
    shape: CrossAttentionShape

    def sources(self) -> tuple[Source, ...]:
        """Return the (teacher, level) pairs that the network reads."""
        return tuple((name, self.shape.level) for name in self.shape.teachers)

    def build(self, *, n_outputs: int) -> CrossAttentionStudent:
        """Return the network with freshly drawn weights."""
        return CrossAttentionStudent(self.shape, n_outputs=n_outputs)


AnySpec = MeanPoolSpec | AbmilSpec | CrossAttentionSpec | StudentSpec
ArmSpec = Annotated[AnySpec, Field(discriminator="kind")]
