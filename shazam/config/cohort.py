"""The section on the cohort: what is predicted, and where cases and slides are."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from shazam.config.section import Name, Section
from shazam.errors import ConfigError


class Task(StrEnum):
    """What a case is predicted for."""

    SURVIVAL = "survival"
    CLASSIFICATION = "classification"


class CohortConfig(Section):
    """The outcome table and the slide folder."""

    name: Name
    task: Task = Task.SURVIVAL
    table: Path | None = None
    slides_dir: Path | None = None
    clinical_columns: tuple[str, ...] = ()

    def sources(self) -> tuple[Path, Path]:
        """Return (table, slide folder).

        Raises:
            ConfigError: one of them is not configured.
        """
        if self.table is None or self.slides_dir is None:
            missing = "cohort.table" if self.table is None else "cohort.slides_dir"
            raise ConfigError(f"{missing} is not set; name it in the config or with --set")
        return self.table, self.slides_dir
