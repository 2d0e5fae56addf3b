"""The sections on evaluation and on what is accepted."""

from __future__ import annotations

from pydantic import Field

from shazam.config.arms import FUSION_STUDENT, LATE_ENSEMBLE
from shazam.config.section import Name, Section


class EvaluationConfig(Section):
    """Intervals and figures."""

    bootstrap: int = Field(default=1000, ge=100)
    seed: int = Field(default=0, ge=0)
    min_events_per_fold: int = Field(default=10, ge=1)


class AcceptanceConfig(Section):
    """What the named candidate must show; its digest is frozen before evaluation."""

    candidate: Name = FUSION_STUDENT
    floor: float = Field(default=0.5, ge=0, lt=1)
    compared_to: Name = LATE_ENSEMBLE
    margin: float = Field(default=0.05, ge=0, lt=1)
    min_events: int = Field(default=30, ge=1)
    canary_max_standard_errors: float = Field(default=3.0, gt=0)
    intended_use: str = Field(default="research", pattern=r"^(research|clinical|commercial)$")
    accepted_licences: tuple[str, ...] = ("Apache-2.0",)
