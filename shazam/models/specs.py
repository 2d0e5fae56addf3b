"""Specs: everything that fixes an arm's network, as it is kept in the arm's JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from shazam.errors import ConfigError
from shazam.manifests import Entry
from shazam.models.abmil import Abmil
from shazam.models.clam import ClamSb
from shazam.models.concat_abmil import ConcatAbmil
from shazam.models.cross_attention import CrossAttentionShape, CrossAttentionStudent
from shazam.models.logit_prod import LogitProd
from shazam.models.mean_pool import MeanPool
from shazam.models.segments import Source
from shazam.models.student import FusionStudent, StudentShape
from shazam.models.trans_mil import TransMil


class _SingleTeacherSpec(Entry):
    """One level of one teacher; ``dim_in`` features of a tile."""

    teacher: str
    level: str
    dim_in: PositiveInt
    impute: bool = False

    @property
    def source(self) -> Source:
        """The (teacher, level) pair that the network reads."""
        return (self.teacher, self.level)

    def sources(self) -> tuple[Source, ...]:
        """Return the (teacher, level) pairs that the network reads."""
        return (self.source,)


class MeanPoolSpec(_SingleTeacherSpec):
    """A linear model on mean features."""

    kind: Literal["mean_pool"] = "mean_pool"

    def build(self, *, n_outputs: int) -> MeanPool:
        """Return the network with freshly drawn weights."""
        return MeanPool(self.source, dim_in=self.dim_in, n_outputs=n_outputs, impute=self.impute)


class _BagSpec(_SingleTeacherSpec):
    """Multiple instance learning; ``dim`` features inside the network."""

    dim: PositiveInt

    def _sizes(self, n_outputs: int) -> dict[str, int]:
        return {"dim_in": self.dim_in, "dim": self.dim, "n_outputs": n_outputs}


class AbmilSpec(_BagSpec):
    """ABMIL."""

    kind: Literal["abmil"] = "abmil"

    def build(self, *, n_outputs: int) -> Abmil:
        """Return the network with freshly drawn weights."""
        return Abmil(self.source, **self._sizes(n_outputs), impute=self.impute)


class ClamSbSpec(_BagSpec):
    """CLAM with a single attention branch."""

    kind: Literal["clam_sb"] = "clam_sb"

    def build(self, *, n_outputs: int) -> ClamSb:
        """Return the network with freshly drawn weights."""
        return ClamSb(self.source, **self._sizes(n_outputs), impute=self.impute)


class TransMilSpec(_BagSpec):
    """TransMIL."""

    kind: Literal["trans_mil"] = "trans_mil"

    def build(self, *, n_outputs: int) -> TransMil:
        """Return the network with freshly drawn weights."""
        return TransMil(self.source, **self._sizes(n_outputs), impute=self.impute)


class ConcatAbmilSpec(Entry):
    """ABMIL on several teachers; ``dims_in[i]`` features of a tile of ``teachers[i]``."""

    kind: Literal["concat_abmil"] = "concat_abmil"
    teachers: tuple[str, ...]
    level: str
    dims_in: tuple[PositiveInt, ...]
    dim: PositiveInt
    impute: bool = False

    def sources(self) -> tuple[Source, ...]:
        """Return the (teacher, level) pairs that the network reads."""
        return tuple((teacher, self.level) for teacher in self.teachers)

    def build(self, *, n_outputs: int) -> ConcatAbmil:
        """Return the network with freshly drawn weights."""
        return ConcatAbmil(
            self.sources(),
            dims_in=self.dims_in,
            dim=self.dim,
            n_outputs=n_outputs,
            impute=self.impute,
        )


SingleSpec = MeanPoolSpec | AbmilSpec | ClamSbSpec | TransMilSpec


class LogitProdSpec(Entry):
    """The weighted product of single-teacher networks."""

    kind: Literal["logit_prod"] = "logit_prod"
    parts: tuple[Annotated[SingleSpec, Field(discriminator="kind")], ...] = Field(min_length=1)

    @classmethod
    def of(cls, specs: Sequence[AnySpec]) -> LogitProdSpec:
        """Return the spec of a fusion of arms.

        Raises:
            ConfigError: an arm does not read a single teacher.
        """
        parts = [spec for spec in specs if isinstance(spec, SingleSpec)]
        if len(parts) < len(specs):
            kinds = ", ".join(spec.kind for spec in specs)
            raise ConfigError(f"logit_prod fuses single-teacher arms only, not {kinds}")
        return cls(parts=tuple(parts))

    def sources(self) -> tuple[Source, ...]:
        """Return the (teacher, level) pairs that the networks read."""
        return tuple(dict.fromkeys(source for part in self.parts for source in part.sources()))

    def build(self, *, n_outputs: int) -> LogitProd:
        """Return the networks with freshly drawn weights, each counting the same."""
        return LogitProd([part.build(n_outputs=n_outputs) for part in self.parts])


class StudentSpec(Entry):
    """The fusion student v2."""

    kind: Literal["fusion_student_v2"] = "fusion_student_v2"
    shape: StudentShape

    def sources(self) -> tuple[Source, ...]:
        """Return the (teacher, level) pairs that the network reads."""
        return tuple(self.dims())

    def dims(self) -> dict[Source, int]:
        """Return the features of a tile by (teacher, level)."""
        shape = self.shape
        return {
            (name, level): dim
            for level, dims in zip(shape.levels, shape.dims, strict=True)
            for name, dim in zip(shape.teachers, dims, strict=True)
        }

    def build(self, *, n_outputs: int) -> FusionStudent:
        """Return the network with freshly drawn weights."""
        return FusionStudent(self.shape, n_outputs=n_outputs)


class CrossAttentionSpec(Entry):
    """The fusion student v1."""

    kind: Literal["fusion_student_v1"] = "fusion_student_v1"
    shape: CrossAttentionShape

    def sources(self) -> tuple[Source, ...]:
        """Return the (teacher, level) pairs that the network reads."""
        return tuple(self.dims())

    def dims(self) -> dict[Source, int]:
        """Return the features of a tile by (teacher, level)."""
        shape = self.shape
        return {
            (name, shape.level): dim for name, dim in zip(shape.teachers, shape.dims, strict=True)
        }

    def build(self, *, n_outputs: int) -> CrossAttentionStudent:
        """Return the network with freshly drawn weights."""
        return CrossAttentionStudent(self.shape, n_outputs=n_outputs)


AnySpec = SingleSpec | ConcatAbmilSpec | LogitProdSpec | CrossAttentionSpec | StudentSpec
ArmSpec = Annotated[AnySpec, Field(discriminator="kind")]
