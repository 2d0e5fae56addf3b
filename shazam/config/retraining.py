"""The section on retraining: how much must be new before the pipeline runs again."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from shazam.config.section import Section
from shazam.refs import SHA256_PATTERN

Sha256 = Annotated[str, Field(pattern=SHA256_PATTERN)]
Count = Annotated[int, Field(ge=1)]


class LostCases(StrEnum):
    """What happens when cases of the last registered run are gone from the table."""

    REFUSE = "refuse"
    ACCEPT = "accept"


class NewCriteria(Section):
    """Criteria that differ from those of the last registered run, and why that was accepted.

    ``before`` and ``now`` hold the digest of each section of the config that differs.
    """

    why: str = Field(min_length=1)
    version: str
    before: dict[str, Sha256]
    now: dict[str, Sha256]

    @model_validator(mode="after")
    def _says_why(self) -> NewCriteria:
        if not self.why.strip():
            raise ValueError("why: is empty; say why the criteria changed")
        return self


class RetrainingConfig(Section):
    """How much must be new before a scheduled retraining trains; any one of these suffices.

    ``min_new_cases`` counts cases that the last registered run did not have; ``min_new_events``
    known cases whose event came (or label, or value) since; ``min_changed_cases`` known cases that
    were corrected, got or lost slides, or were taken out. Longer follow-up without an event counts
    only where ``min_longer_follow_ups`` is given. ``new_criteria`` is written by the command.
    """

    min_new_cases: Count = 1
    min_new_events: Count = 1
    min_changed_cases: Count = 1
    min_longer_follow_ups: Count | None = None
    lost_cases: LostCases = LostCases.REFUSE
    new_criteria: NewCriteria | None = None

    def asked(self) -> RetrainingConfig:
        """Return the section without what changes no result."""
        return RetrainingConfig(new_criteria=self.new_criteria)
