"""The section on the cohort: what is predicted, and where cases and slides are."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from pydantic import model_validator

from shazam.config.section import Name, Section
from shazam.errors import ConfigError


class Task(StrEnum):
    """What a case is predicted for."""

    SURVIVAL = "survival"
    CLASSIFICATION = "classification"


_NOT_CLINICAL = ("case_id", "slide_id", "slide_path", "time_months", "event", "label")


class CohortConfig(Section):
    """The outcome table and the slide folder."""

    name: Name
    task: Task = Task.SURVIVAL
    table: Path | None = None
    slides_dir: Path | None = None
    clinical_columns: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _clinical_columns_are_known_beforehand(self) -> CohortConfig:
        named = self.clinical_columns
        if repeated := sorted({name for name in named if named.count(name) > 1}):
            raise ValueError(f"clinical_columns: named twice: {', '.join(repeated)}")
        if outcomes := [name for name in named if name in _NOT_CLINICAL]:
            raise ValueError(
                f"clinical_columns: {', '.join(outcomes)}: names or outcomes of the case; what is "
                "predicted must not be known beforehand"
            )
        return self

    def sources(self) -> tuple[Path, Path]:
        """Return (table, slide folder).

        Raises:
            ConfigError: one of them is not configured.
        """
        if self.table is None or self.slides_dir is None:
            missing = "cohort.table" if self.table is None else "cohort.slides_dir"
            raise ConfigError(f"{missing} is not set; name it in the config or with --set")
        return self.table, self.slides_dir
