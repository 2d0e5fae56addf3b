"""The section on folds."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from shazam.config.section import Section


class SitePolicy(StrEnum):
    """Whether a site may stand in two parts of a split."""

    PRESERVED = "preserved"
    IGNORED = "ignored"


class SplitsConfig(Section):
    """Outer folds by case, inner validation carved from training."""

    n_folds: int = Field(default=5, ge=2, le=20)
    sites: SitePolicy = SitePolicy.PRESERVED
    validation_fraction: float = Field(default=0.2, gt=0, lt=0.5)
    seed: int = Field(default=0, ge=0)
    time_limit_s: float = Field(default=20.0, gt=0)
