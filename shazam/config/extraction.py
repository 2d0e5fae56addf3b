"""The section on extraction: which teachers are run, how, and in which steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import Field, model_validator

from shazam.config.section import Name, Section


class Grouping(StrEnum):
    """Which teachers share an extraction step, and so each decoded tile."""

    TOGETHER = "together"
    PER_TEACHER = "per_teacher"


class Precision(StrEnum):
    """Arithmetic of the teachers; ``auto`` is bfloat16 on a GPU and float32 on a CPU."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class EncodingConfig(Section):
    """How teachers are run, whichever they are.

    ``readers`` is how many processes decode tiles, by default one for each core.
    """

    batch_size: int = Field(default=32, ge=1)
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    precision: Precision = Precision.AUTO
    readers: int | None = Field(default=None, ge=0, le=64)
    teachers_file: Path | None = None
    teachers_lock: Path | None = None
    allow_remote_code: tuple[Name, ...] = ()


class ExtractionConfig(EncodingConfig):
    """Which teachers are run, and in which steps."""

    teachers: tuple[Name, ...] = Field(min_length=1)
    reference_encoders: tuple[Name, ...] = ()
    grouping: Grouping = Grouping.TOGETHER
    shards: int = Field(default=1, ge=1, le=1000)

    def encoders(self) -> tuple[str, ...]:
        """Return the names of all teachers and reference encoders."""
        return (*self.teachers, *self.reference_encoders)

    def parts(self) -> tuple[ExtractionPart, ...]:
        """Return the extraction steps: groups of teachers, each over all shards."""
        alone = self.grouping is Grouping.PER_TEACHER
        groups = [(name,) for name in self.encoders()] if alone else [self.encoders()]
        return tuple(
            ExtractionPart(teachers=group, shard=f"{index}/{self.shards}")
            for group in groups
            for index in range(self.shards)
        )

    def encoding(self) -> EncodingConfig:
        """Return how teachers are run: what every extraction step depends on."""
        return EncodingConfig(**self.model_dump(include=set(EncodingConfig.model_fields)))

    @model_validator(mode="after")
    def _named_once(self) -> ExtractionConfig:
        if len(set(self.encoders())) != len(self.encoders()):
            raise ValueError("a teacher or reference encoder is named twice")
        return self


@dataclass(frozen=True, slots=True)
class ExtractionPart:
    """The teachers and the shard of one extraction step."""

    teachers: tuple[str, ...]
    shard: str

    @property
    def name(self) -> str:
        """The step's name, such as ``extract_uni_v2_0_of_4``."""
        group = self.teachers[0] if len(self.teachers) == 1 else "all"
        index, count = self.shard.split("/")
        return f"extract_{group}" + (f"_{index}_of_{count}" if count != "1" else "")
