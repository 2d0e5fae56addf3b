"""The section on the students."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from shazam.config.section import Fraction, Section


class Variant(StrEnum):
    """``faithful`` repeats the published form for parity, ``corrected`` mends its faults."""

    FAITHFUL = "faithful"
    CORRECTED = "corrected"


class Form(StrEnum):
    """``slide`` pools the tiles of a case by attention, ``tile`` takes each case's mean tile."""

    SLIDE = "slide"
    TILE = "tile"


class TargetScale(StrEnum):
    """How distillation targets are scaled on the training cases.

    ``per_feature`` gives every feature mean 0 and variance 1; ``isotropic`` rotates the features
    so that all vary alike and divides by one number, which keeps their correlations (PHI-S).
    """

    PER_FEATURE = "per_feature"
    ISOTROPIC = "isotropic"


class StudentV1Config(Section):
    """The fusion student v1, with the published settings."""

    dim: int = Field(default=128, ge=8, le=2048)
    n_blocks: int = Field(default=5, ge=1, le=12)
    distillation_weight: float = Field(default=0.5, ge=0)


class StudentConfig(Section):
    """The fusion student v2; ``v1`` holds what differs for v1, the rest serves both.

    ``teacher_dropout`` takes whole teachers away from cases in training, so that a case which
    lacks one is nothing new at inference. The faithful variant has none.
    """

    variant: Variant = Variant.CORRECTED
    form: Form = Form.SLIDE
    dim: int = Field(default=128, ge=8, le=2048)
    n_blocks: int = Field(default=4, ge=1, le=12)
    dropout: Fraction = 0.25
    teacher_dropout: Fraction = 0.1
    distillation_weight: float = Field(default=0.01, ge=0)
    target_scale: TargetScale = TargetScale.PER_FEATURE
    decorrelation_weight: float = Field(default=0.0, ge=0)
    v1: StudentV1Config = StudentV1Config()

    def used_teacher_dropout(self) -> float:
        """Return the probability that the variant in use takes a teacher away with."""
        return 0.0 if self.variant is Variant.FAITHFUL else self.teacher_dropout
