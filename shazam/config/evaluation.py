"""The section on evaluation."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

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
