"""The section on drift: the cohort that a new one is held against, and how far it may differ."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from shazam.config.section import Section


class Severity(StrEnum):
    """What drift does: it is shown, or it fails the verdict."""

    WARNING = "warning"
    CRITICAL = "critical"


class DriftConfig(Section):
    """Drift of the cohort against a reference, judged by effect and by chance.

    ``reference`` is the SHA-256 of a feature set's manifest, or the digest of a run on it; without
    one nothing is compared. A column drifts when its population stability index is above
    ``max_psi``, a teacher when its distance is above ``max_frechet_ratio`` times that of random
    parts of the reference, and in both cases only if chance alone would do so with a probability of
    at most ``alpha``, by Holm over all columns or all teachers.
    """

    reference: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    severity: Severity = Severity.WARNING
    max_psi: float = Field(default=0.25, gt=0)
    max_frechet_ratio: float = Field(default=2.0, ge=1)
    alpha: float = Field(default=0.01, ge=0.0001, le=0.2)
    permutations: int = Field(default=999, ge=99, le=99_999)
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _critical_has_a_reference(self) -> DriftConfig:
        if self.severity is Severity.CRITICAL and self.reference is None:
            raise ValueError(
                "severity critical: names no reference, so nothing would be compared; set "
                "drift.reference, or leave the severity at warning"
            )
        return self

    def n_draws(self, n_tests: int) -> int:
        """Return how many draws let the least p-value of so many tests reach ``alpha``."""
        return max(self.permutations, int(n_tests / self.alpha) + 1)
