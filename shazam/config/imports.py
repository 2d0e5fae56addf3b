"""The section on imports: features that another tool made, in the place of an extraction."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from shazam.config.section import Name, Section

Level = Literal["low", "mid", "high"]


class Layout(StrEnum):
    """What two tensors side by side are: two levels, or features and the labels of tiles."""

    LEVELS = "levels"
    LABELLED = "labelled"


class CoordsUnit(StrEnum):
    """Unit of coordinates: pixels at level 0 of the slide, or micrometres."""

    PX_LEVEL0 = "px_level0"
    UM = "um"


class MissingValues(StrEnum):
    """What NaN among features means: a mistake, or a value that training fills in."""

    REFUSE = "refuse"
    IMPUTE = "impute"


class MissingTeacher(StrEnum):
    """What a case without the features of one teacher means: a mistake, or a masked teacher."""

    REFUSE = "refuse"
    MASK = "mask"


class StoredDtype(StrEnum):
    """How features are stored."""

    FLOAT16 = "float16"
    FLOAT32 = "float32"


class ImportTeacherConfig(Section):
    """Where the features of one teacher are, and what the files do not say of themselves.

    The keys mean what the options of ``shazam features import`` mean; ``arrays`` and ``levels``
    are its ``--dataset`` and ``--level``. A ``reference`` teacher has the mean-pool arm only.
    """

    name: Name
    paths: tuple[Path, ...] = ()
    feature_map: Path | None = None
    feature_root: Path | None = None
    revision: str = Field(default="unknown", min_length=1)
    licence: str = Field(default="unknown", min_length=1)
    weights_sha256: str | None = None
    arrays: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    layout: Layout | None = None
    ids: str | None = None
    group: str | None = None
    labels: str | None = None
    classes: tuple[str, ...] = ()
    coords_unit: CoordsUnit | None = None
    mpp: float | None = None
    dtype: StoredDtype | None = None
    reference: bool = False

    @field_validator("paths", mode="before")
    @classmethod
    def _one_path_is_a_list(cls, value: object) -> object:
        return [value] if isinstance(value, str | Path) else value

    @model_validator(mode="after")
    def _names_files(self) -> ImportTeacherConfig:
        if not self.paths and self.feature_map is None:
            raise ValueError("names no files; give paths or a feature_map")
        if self.feature_root is not None and self.feature_map is None:
            raise ValueError("feature_root belongs to feature_map; name the map")
        if self.feature_map is not None and (self.ids or self.group):
            raise ValueError("a feature_map names the files of cases; a table has ids or group")
        if self.levels and "high" not in self.levels:
            raise ValueError("no array is the level high, which every arm reads; name it so")
        return self

    def without_folders(self) -> ImportTeacherConfig:
        """Return the same with the names of files only."""
        named = {
            "paths": tuple(Path(path.name) for path in self.paths),
            "feature_map": None if self.feature_map is None else Path(self.feature_map.name),
            "feature_root": None,
        }
        return self.model_copy(update=named)


class ImportsConfig(Section):
    """Which features are imported, and what is done with what they lack.

    ``dtype`` holds for the teachers that name none of their own.
    """

    teachers: tuple[ImportTeacherConfig, ...] = Field(min_length=1)
    dtype: StoredDtype = StoredDtype.FLOAT16
    missing_values: MissingValues = MissingValues.REFUSE
    missing_teacher: MissingTeacher = MissingTeacher.REFUSE

    @model_validator(mode="after")
    def _named_once(self) -> ImportsConfig:
        names = [teacher.name for teacher in self.teachers]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"teacher {', '.join(repeated)} is listed twice")
        if all(teacher.reference for teacher in self.teachers):
            raise ValueError("every teacher is a reference; the student needs one that is not")
        return self

    def dtype_of(self, teacher: ImportTeacherConfig) -> StoredDtype:
        """Return how the features of a teacher are stored."""
        return teacher.dtype or self.dtype

    def names(self) -> tuple[str, ...]:
        """Return the names of all teachers."""
        return tuple(teacher.name for teacher in self.teachers)

    def only(self, name: str) -> ImportsConfig:
        """Return what one teacher's import depends on."""
        own = tuple(teacher for teacher in self.teachers if teacher.name == name)
        rest = {"teachers": own, "missing_teacher": MissingTeacher.REFUSE}
        return self.model_copy(update=rest)

    def without_folders(self) -> ImportsConfig:
        """Return the same with the names of files only."""
        teachers = tuple(teacher.without_folders() for teacher in self.teachers)
        return self.model_copy(update={"teachers": teachers})
