"""The section on the cohort: what is predicted, and where cases and slides are."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from shazam.config.section import Name, Section
from shazam.errors import ConfigError


class Task(StrEnum):
    """What a case is predicted for."""

    SURVIVAL = "survival"
    CLASSIFICATION = "classification"
    REGRESSION = "regression"


TargetName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
_OWN_COLUMNS = ("case_id", "slide_id", "slide_path", "site", "time_months", "event", "label")


_NOT_CLINICAL = ("case_id", "slide_id", "slide_path", "time_months", "event", "label")


class Unit(StrEnum):
    """What is predicted: a case from all its tiles, or each tile by itself."""

    CASE = "case"
    TILE = "tile"


class CohortConfig(Section):
    """The outcome table and the slide folder, which imported features do not need.

    ``targets`` are the columns that regression predicts, such as the expression of genes.
    """

    name: Name
    task: Task = Task.SURVIVAL
    unit: Unit = Unit.CASE
    table: Path | None = None
    slides_dir: Path | None = None
    clinical_columns: tuple[str, ...] = ()
    targets: tuple[TargetName, ...] = ()

    @model_validator(mode="after")
    def _targets_fit_the_task(self) -> CohortConfig:
        if self.task is not Task.REGRESSION and self.targets:
            raise ValueError("targets: only for task regression; set cohort.task or remove them")
        if self.task is Task.REGRESSION and not self.targets:
            raise ValueError("targets: task regression needs the columns that are predicted")
        if repeated := sorted({name for name in self.targets if self.targets.count(name) > 1}):
            raise ValueError(f"targets: named twice: {', '.join(repeated)}")
        if own := [name for name in self.targets if name in _OWN_COLUMNS]:
            raise ValueError(f"targets: columns with a meaning of their own: {', '.join(own)}")
        if shared := [name for name in self.targets if name in self.clinical_columns]:
            raise ValueError(
                f"targets: also among clinical_columns: {', '.join(shared)}; what is predicted "
                "must not be known beforehand"
            )
        return self

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
