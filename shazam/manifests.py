"""Manifests: the typed lists that refs name. Each entry carries the digest of its file."""

from __future__ import annotations

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    model_validator,
)

from shazam.config.cohort import Unit
from shazam.config.imports import MissingTeacher, MissingValues, StoredDtype
from shazam.refs import SHA256_PATTERN, CohortRef

Sha256 = Field(pattern=SHA256_PATTERN)


class Entry(BaseModel):
    """A frozen record of a manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class QuarantineEntry(Entry):
    """One slide that was set aside, and why.

    A case that has no features at all stands here under its own id, without a digest.
    """

    slide_id: str
    slide_sha256: str | None = Sha256
    stage: str
    error: str
    reason: str
    message: str
    attempts: PositiveInt = 1


class ValidatedSlide(Entry):
    """One slide that can be used. ``mpp`` is micrometres per pixel at level 0."""

    slide_id: str
    case_id: str
    path: str
    size_bytes: PositiveInt
    sha256: str = Sha256
    mpp: float = Field(gt=0)
    mpp_origin: str
    width_px: PositiveInt
    height_px: PositiveInt
    tissue_fraction: float = Field(ge=0, le=1)


class ValidationManifest(Entry):
    """Slides that go on; ``path`` of a slide is relative to the slide folder."""

    cohort: CohortRef
    slides: tuple[ValidatedSlide, ...]
    quarantine: tuple[QuarantineEntry, ...]


class Picture(Entry):
    """One picture of the workspace."""

    uri: str
    sha256: str = Sha256


class TiledSlide(Entry):
    """One slide with its tile grid file, and how many tiles the filters dropped."""

    slide: ValidatedSlide
    key: str = Sha256
    uri: str
    sha256: str = Sha256
    n_tiles: PositiveInt
    n_dropped_pen: NonNegativeInt = 0
    n_dropped_blur: NonNegativeInt = 0


class TilesManifest(Entry):
    """Tile grids of all slides that go on, with the quarantine so far.

    ``contact_sheet`` shows every slide with its tiles; None in a manifest made without pictures.
    """

    cohort: CohortRef
    slides: tuple[TiledSlide, ...]
    quarantine: tuple[QuarantineEntry, ...]
    contact_sheet: Picture | None = None


class LevelDims(Entry):
    """Width of a teacher's features at each level; None for a level that it does not give."""

    low: PositiveInt | None = None
    mid: PositiveInt | None = None
    high: PositiveInt | None = None

    @model_validator(mode="after")
    def _gives_a_level(self) -> LevelDims:
        if not self.present():
            raise ValueError("a teacher gives at least one of low, mid and high")
        return self

    def present(self) -> tuple[str, ...]:
        """Return the names of the levels that are given, in the order low, mid, high."""
        return tuple(self.widths())

    def widths(self) -> dict[str, int]:
        """Return the width of every level that is given, in the order low, mid, high."""
        widths = {"low": self.low, "mid": self.mid, "high": self.high}
        return {level: width for level, width in widths.items() if width is not None}


class TeacherIdentity(Entry):
    """Everything of a teacher that changes the bytes of its features, and its licence.

    A digest is None where features were imported and nobody said what made them.
    """

    name: str
    revision: str
    weights_sha256: str | None = Sha256
    transform_sha256: str | None = Sha256
    dims: LevelDims
    licence: str


class SlideFeatures(Entry):
    """One feature file."""

    slide_id: str
    case_id: str
    key: str = Sha256
    uri: str
    sha256: str = Sha256
    n_tiles: PositiveInt
    tiles_key: str = Sha256


class FeaturesManifest(Entry):
    """Feature files of one teacher; ``quarantine`` holds this stage's additions only."""

    cohort: CohortRef
    teacher: TeacherIdentity
    slides: tuple[SlideFeatures, ...]
    quarantine: tuple[QuarantineEntry, ...]


class ExtractionManifest(Entry):
    """What one extraction made: the feature files of its teachers, over all slides or a shard."""

    features: tuple[FeaturesManifest, ...]


class ImportedSlide(SlideFeatures):
    """One feature file made of what another tool wrote.

    ``source`` is the name of that tool's file, ``layout`` what it was read as. ``without_coords``
    says why there are no coordinates; ``tiles_key`` is then made of the slide and the number of
    tiles, else of the coordinates. None means that the source does not say.
    """

    source: str
    source_sha256: str = Sha256
    layout: str
    mpp: float | None = Field(default=None, gt=0)
    tile_px_level0: float | None = Field(default=None, gt=0)
    without_coords: str | None = None
    labelled: bool = False


class ImportManifest(Entry):
    """Imported feature files of one teacher; a later run joins them to its cohort.

    ``classes`` are the names of tile labels where these were text: a label is a place among them.
    """

    teacher: TeacherIdentity
    slides: tuple[ImportedSlide, ...]
    classes: tuple[str, ...] = ()
    dtype: StoredDtype = StoredDtype.FLOAT16
    missing_values: MissingValues = MissingValues.REFUSE
    quarantine: tuple[QuarantineEntry, ...]


class DataVersion(Entry):
    """A version of bytes as the data version system names it (an MD5), beside our SHA-256."""

    path: str
    md5: str
    n_files: NonNegativeInt
    size_bytes: NonNegativeInt


class FeatureSetManifest(Entry):
    """Feature files of all teachers over the same slides, after their contract was checked.

    ``features[i]`` belongs to ``teachers[i]``; all hold the same slides in the same order, unless
    ``missing_teacher`` is ``mask``: a teacher may then lack slides. ``missing_values`` says whether
    NaN may stand among the features. With the unit ``tile`` the cases of ``cohort`` are tiles, see
    :func:`tile_ids`.
    """

    cohort: CohortRef
    teachers: tuple[TeacherIdentity, ...]
    features: tuple[tuple[SlideFeatures, ...], ...]
    quarantine: tuple[QuarantineEntry, ...]
    versions: tuple[DataVersion, ...]
    contact_sheet: Picture | None = None
    missing_values: MissingValues = MissingValues.REFUSE
    missing_teacher: MissingTeacher = MissingTeacher.REFUSE
    unit: Unit = Unit.CASE

    def slides(self) -> tuple[SlideFeatures, ...]:
        """Return one entry of every slide, whichever teacher has it; by case, then by slide."""
        found = {entry.slide_id: entry for entries in self.features for entry in entries}
        return tuple(sorted(found.values(), key=lambda entry: (entry.case_id, entry.slide_id)))

    def case_ids(self) -> tuple[str, ...]:
        """Return the cases that have features, sorted; with the unit ``tile``, all tiles."""
        if self.unit is Unit.TILE:
            return tuple(sorted(name for slide in self.slides() for name in tile_ids(slide)))
        return tuple(sorted({entry.case_id for entry in self.slides()}))

    def lacking(self) -> dict[str, int]:
        """Return for each teacher that lacks cases how many; a case lacks it if one slide does."""
        slides = self.slides()
        counts = {}
        for teacher, entries in zip(self.teachers, self.features, strict=True):
            held = {entry.slide_id for entry in entries}
            counts[teacher.name] = len({s.case_id for s in slides if s.slide_id not in held})
        return {name: count for name, count in counts.items() if count}


def tile_ids(slide: SlideFeatures) -> tuple[str, ...]:
    """Return the names of a slide's tiles as cases of their own: ``slide#0``, ``slide#1``, ...

    No slide or case can have such a name. Numbers have leading zeros, so names sort as the tiles.
    """
    width = len(str(slide.n_tiles - 1))
    return tuple(f"{slide.slide_id}#{number:0{width}d}" for number in range(slide.n_tiles))
