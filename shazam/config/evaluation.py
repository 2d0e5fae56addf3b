"""The sections on evaluation and on what is accepted."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from shazam.config.arms import FUSION_STUDENT, LATE_ENSEMBLE
from shazam.config.section import Name, Section

Months = Annotated[float, Field(gt=0)]


class EvaluationConfig(Section):
    """Intervals, horizons and subgroups.

    A horizon takes ``min_events_per_fold`` events by then, and as many cases beyond it. Without
    ``subgroups`` those of site, sex, stage and scanner are taken, where the cohort names them.
    ``pairs`` are arms to compare beside the candidate, the first minus the second.
    """

    bootstrap: int = Field(default=1000, ge=100)
    seed: int = Field(default=0, ge=0)
    min_events_per_fold: int = Field(default=10, ge=1)
    horizons_months: tuple[Months, ...] = (12.0, 36.0, 60.0)
    calibration_horizon_months: Months = 36.0
    subgroups: tuple[str, ...] | None = None
    subgroup_min_cases: int = Field(default=20, ge=2)
    subgroup_min_events: int = Field(default=10, ge=1)
    pairs: tuple[tuple[Name, Name], ...] = ()


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
