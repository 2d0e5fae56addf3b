"""The section on evaluation."""

from __future__ import annotations

from pydantic import Field

from shazam.config.section import Section


class EvaluationConfig(Section):
    """Intervals and figures."""

    bootstrap: int = Field(default=1000, ge=100)
    seed: int = Field(default=0, ge=0)
    min_events_per_fold: int = Field(default=10, ge=1)
