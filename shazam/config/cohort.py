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


class Unit(StrEnum):
    """What is predicted: a case from all its tiles, or each tile by itself."""

    CASE = "case"
    TILE = "tile"


class CohortConfig(Section):
    """The outcome table and the slide folder, which imported features do not need."""

    name: Name
    task: Task = Task.SURVIVAL
    unit: Unit = Unit.CASE
    table: Path | None = None
    slides_dir: Path | None = None
    clinical_columns: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _tiles_have_classes(self) -> CohortConfig:
        if self.unit is Unit.TILE and self.task is not Task.CLASSIFICATION:
            raise ValueError(f"unit tile needs task classification, not {self.task}")
        return self

    def outcomes(self) -> Path:
        """Return the table.

        Raises:
            ConfigError: it is not configured.
        """
        if self.table is None:
            raise ConfigError("cohort.table is not set; name it in the config or with --set")
        return self.table

    def sources(self) -> tuple[Path, Path]:
        """Return (table, slide folder).

        Raises:
            ConfigError: one of them is not configured.
        """
        table = self.outcomes()
        if self.slides_dir is None:
            raise ConfigError("cohort.slides_dir is not set; name it in the config or with --set")
        return table, self.slides_dir
