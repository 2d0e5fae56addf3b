"""The section on the cohort: what is predicted, and where cases and slides are."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from shazam.config.section import Name, Section
from shazam.config.slides import Slides, SlidesAtRevision
from shazam.errors import ConfigError


class Task(StrEnum):
    """What a case is predicted for."""

    SURVIVAL = "survival"
    CLASSIFICATION = "classification"
    REGRESSION = "regression"


TargetName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
_OWN_COLUMNS = ("case_id", "slide_id", "slide_path", "site", "time_months", "event", "label")


_NOT_CLINICAL = ("case_id", "slide_id", "slide_path", "time_months", "event", "label")


class TimeUnit(StrEnum):
    """The unit of a column of times or ages."""

    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"

    @property
    def months(self) -> float:
        """Months in one unit; a year has 365.25 days."""
        match self:
            case TimeUnit.DAYS:
                return 12 / 365.25
            case TimeUnit.WEEKS:
                return 7 * 12 / 365.25
            case TimeUnit.MONTHS:
                return 1.0
            case TimeUnit.YEARS:
                return 12.0


class Coding(StrEnum):
    """What 1 means in a column of events."""

    EVENT = "event_is_1"
    CENSORED = "censored_is_1"


class ClinicalKind(StrEnum):
    """What a clinical column holds."""

    NUMBER = "number"
    CATEGORY = "category"


class Exclusion(StrEnum):
    """Cases that may be left out, each with its reason, where they would else be refused."""

    WITHOUT_OUTCOME = "without_outcome"
    TIME_NOT_POSITIVE = "time_not_positive"


class Columns(Section):
    """Which columns of the table are meant, where it calls them otherwise."""

    case_id: str | None = None
    slide_id: str | None = None
    slide_path: str | None = None
    site: str | None = None
    label: str | None = None

    def given(self) -> dict[str, str]:
        """Return the columns that are named, by what they hold."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class EndpointConfig(Section):
    """A survival endpoint. What is not given is found by the name, such as ``OS_MONTHS`` of OS.

    ``unit`` and ``coding`` are read from the names of the columns where they say them: ``_days``,
    ``_months``; ``censorship`` and ``censored`` mean that 1 is censored.
    """

    name: Name
    time: str | None = None
    event: str | None = None
    unit: TimeUnit | None = None
    coding: Coding | None = None

    @model_validator(mode="after")
    def _columns_are_both_given(self) -> EndpointConfig:
        if (self.time is None) != (self.event is None):
            raise ValueError(f"endpoint {self.name}: give both of time and event, or neither")
        return self


class Unit(StrEnum):
    """What is predicted: a case from all its tiles, or each tile by itself."""

    CASE = "case"
    TILE = "tile"


class CohortConfig(Section):
    """The outcome table and the slides, which imported features do not need.

    Slides are those of a folder, or those that DVC has under a version (``slides``).
    ``targets`` are the columns that regression predicts, such as the expression of genes.
    ``endpoint`` is the one of ``endpoints`` that survival predicts; the others stand in the
    cohort beside it. ``where`` keeps the rows whose column holds one of the values.
    """

    name: Name
    task: Task = Task.SURVIVAL
    unit: Unit = Unit.CASE
    table: Path | None = None
    slides_dir: Path | None = None
    slides: Slides | None = None
    clinical_columns: tuple[str, ...] = ()
    targets: tuple[TargetName, ...] = ()
    member: str | None = None
    columns: Columns = Columns()
    endpoints: tuple[EndpointConfig, ...] = ()
    endpoint: Name | None = None
    time_unit: TimeUnit | None = None
    age_unit: TimeUnit | None = None
    clinical_kinds: dict[str, ClinicalKind] = Field(default_factory=dict)
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    exclude: tuple[Exclusion, ...] = ()

    @model_validator(mode="after")
    def _slides_come_from_one_place(self) -> CohortConfig:
        if self.slides_dir is not None and self.slides is not None:
            raise ValueError(
                "the cohort has both of slides_dir (a folder) and slides (a version); give exactly "
                "one of them"
            )
        return self

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
    def _one_endpoint_is_predicted(self) -> CohortConfig:
        names = [endpoint.name for endpoint in self.endpoints]
        if (names or self.endpoint) and self.task is not Task.SURVIVAL:
            raise ValueError("endpoints: only for task survival; set cohort.task or remove them")
        if len(names) != len(set(names)):
            raise ValueError(f"endpoints: named twice in {', '.join(names)}")
        if names and self.endpoint is None and len(names) > 1:
            raise ValueError(f"endpoint: say which of {', '.join(names)} is predicted")
        if names and self.endpoint is not None and self.endpoint not in names:
            raise ValueError(f"endpoint: '{self.endpoint}' is none of {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _outcomes_are_not_clinical(self) -> CohortConfig:
        outcomes = {column for one in self.endpoints for column in (one.time, one.event)}
        if both := [name for name in self.clinical_columns if name in outcomes]:
            raise ValueError(
                f"clinical_columns: {', '.join(both)}: outcomes of an endpoint; what is predicted "
                "must not be known beforehand"
            )
        if unknown := sorted(set(self.clinical_kinds) - set(self.clinical_columns)):
            raise ValueError(f"clinical_kinds: not in clinical_columns: {', '.join(unknown)}")
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

        Slides by version lie in the workspace, so that their folder is relative to its root.

        Raises:
            ConfigError: one of them is not configured, or the slides' version is not known yet.
        """
        table = self.outcomes()
        if isinstance(self.slides, SlidesAtRevision):
            raise ConfigError(
                f"cohort.slides: which bytes revision '{self.slides.dvc_rev}' means is told where "
                "its git repository is, before the steps begin"
            )
        if self.slides is not None:
            return table, Path(self.slides.folder)
        if self.slides_dir is None:
            raise ConfigError(
                "cohort.slides_dir is not set, and no cohort.slides; name one of them in the "
                "config or with --set"
            )
        return table, self.slides_dir

    def at(self, folder: Path) -> CohortConfig:
        """Return the cohort with its slides in a folder."""
        return self.model_copy(update={"slides_dir": folder, "slides": None})
