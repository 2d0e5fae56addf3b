"""What is asked of a measurement on a locked cohort."""

from __future__ import annotations

from pydantic import Field, model_validator

from shazam.config.section import Name, Section
from shazam.refs import SHA256_PATTERN


class MeasureRequest(Section):
    """Who measures which release on which locked cohort, and why; bundles by their SHA-256."""

    locked: Name
    release: Name
    bundle: str = Field(pattern=SHA256_PATTERN)
    champion: str | None = Field(default=None, pattern=SHA256_PATTERN)
    who: str = Field(min_length=1, max_length=200)
    why: str = Field(min_length=1, max_length=1000)

    @model_validator(mode="after")
    def _names_two_models(self) -> MeasureRequest:
        if self.champion == self.bundle:
            raise ValueError("the champion is the release itself; name another bundle, or none")
        return self
