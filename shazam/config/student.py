"""The section on the student."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from shazam.config.section import Fraction, Section


class Variant(StrEnum):
    """``faithful`` repeats the published form for parity, ``corrected`` mends its faults."""

    FAITHFUL = "faithful"
    CORRECTED = "corrected"


class StudentConfig(Section):
    """The fusion student v2."""

    variant: Variant = Variant.CORRECTED
    dim: int = Field(default=128, ge=8, le=2048)
    n_blocks: int = Field(default=4, ge=1, le=12)
    dropout: Fraction = 0.25
    distillation_weight: float = Field(default=0.01, ge=0)
