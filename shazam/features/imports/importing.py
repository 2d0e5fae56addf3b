"""The import: features made by other tools become feature files of the workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from shazam.digest import digest_of
from shazam.errors import ArtifactError, CohortError, FeatureError, UnknownLayoutError
from shazam.features.imports.bag import ImportedBag, ImportOptions
from shazam.features.imports.bags import Bag
from shazam.features.imports.read import read_bag
from shazam.features.imports.sources import SourceFile
from shazam.features.imports.teacher import ImportedTeacher, ImportKey
from shazam.features.imports.tiles import tiles_key
from shazam.features.imports.widths import dims_of_most, widths_text
from shazam.features.store import FeatureAttrs, check_features, write_features
from shazam.features.stored_levels import as_stored
from shazam.manifests import ImportedSlide, ImportManifest, LevelDims, QuarantineEntry
from shazam.progress import MakeProgress
from shazam.publish import sealed_digest
from shazam.slides.quarantine import attempt, check_fraction
from shazam.workspace import Workspace

STAGE = "import"
# stands for the digest of a file in the manifest of a dry run, which is not published
NOT_WRITTEN = "0" * 64


@dataclass(frozen=True, slots=True)
class _Done:
    slide: ImportedSlide
    dims: LevelDims
    written: bool


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import gives; ``n_written`` files are new, the others were there and sound."""

    manifest: ImportManifest
    n_written: int
    n_kept: int


def import_bags(
    bags: Sequence[Bag],
    *,
    teacher: ImportedTeacher,
    options: ImportOptions,
    workspace: Workspace,
    write: bool,
    max_quarantine_fraction: float,
    progress: MakeProgress,
) -> Imported:
    """Import all bags; a file that is there and sound is taken.

    Args:
        bags: what is imported.
        teacher: who made the features.
        options: what the files do not say of themselves.
        workspace: where the features go.
        write: False reads and judges everything, and writes nothing.
        max_quarantine_fraction: how many bags may be set aside, 0 to 1.
        progress: told of every bag.

    Raises:
        ConfigError: no file is understood, or the files disagree about levels or widths.
        QuarantineExceededError: more are set aside than allowed.
    """
    importer = _Importer(teacher=teacher, options=options, workspace=workspace, write=write)
    done: list[_Done] = []
    quarantine: list[QuarantineEntry] = []
    with progress(len(bags)) as told:
        for bag in sorted(bags, key=lambda bag: (bag.file.path, bag.slide_id)):
            outcome = importer.attempt(bag)
            if isinstance(outcome, QuarantineEntry):
                quarantine.append(outcome)
                told.quarantine(outcome.slide_id, outcome.reason)
            else:
                done.append(outcome)
            told.advance()
    _raise_if_none_is_understood(quarantine, n_bags=len(bags))
    if not done:
        check_fraction(quarantine, n_slides=len(bags), max_fraction=max_quarantine_fraction)
    dims = dims_of_most([one.dims for one in done])
    quarantine += [_of_other_dims(one, dims, teacher) for one in done if one.dims != dims]
    quarantine.sort(key=lambda entry: entry.slide_id)
    check_fraction(quarantine, n_slides=len(bags), max_fraction=max_quarantine_fraction)
    slides = sorted(
        (one.slide for one in done if one.dims == dims), key=lambda slide: slide.slide_id
    )
    return Imported(
        manifest=ImportManifest(
            teacher=teacher.identity(dims),
            slides=tuple(slides),
            classes=options.classes,
            dtype=options.dtype,
            missing_values=options.missing_values,
            quarantine=tuple(quarantine),
        ),
        n_written=sum(one.written for one in done),
        n_kept=sum(not one.written for one in done),
    )


@dataclass(slots=True)
class _Importer:
    """Imports one bag after the other; the file that was read last is kept for its other rows."""

    teacher: ImportedTeacher
    options: ImportOptions
    workspace: Workspace
    write: bool
    _last: tuple[SourceFile, ImportedBag] | None = None

    def attempt(self, bag: Bag) -> _Done | QuarantineEntry:
        outcome = attempt(
            partial(self._import, bag),
            slide_id=bag.slide_id,
            slide_sha256=bag.hashed.sha256,
            stage=f"{STAGE}:{self.teacher.name}",
        )
        if isinstance(outcome, QuarantineEntry):
            told = f"case '{bag.case_id}', teacher '{self.teacher.name}': {outcome.message}"
            return outcome.model_copy(update={"message": told})
        return outcome

    def _import(self, bag: Bag) -> _Done:
        tiles = self._read(bag.file)
        bag.hashed.check_unchanged(bag.file.path)
        tiles = tiles if bag.rows is None else tiles.select(bag.rows)
        stored = as_stored(
            tiles.levels,
            expected=tuple(tiles.levels),
            dtype=self.options.dtype,
            allow_nan=self.options.allows_nan,
        )
        attrs = self._attrs(bag, tiles)
        folder = self.workspace.root / "features" / self.teacher.name / attrs.key
        target = folder / f"{bag.slide_id}.h5"
        kept = _kept(target, tiles, attrs=attrs)
        sha256 = kept
        if kept is None and self.write:
            sha256 = write_features(
                target,
                levels=stored,
                coords=tiles.coords_level0,
                attrs=attrs,
                labels=tiles.labels,
                expected=tuple(stored),
            )
        return _Done(
            slide=ImportedSlide(
                slide_id=bag.slide_id,
                case_id=bag.case_id,
                key=attrs.key,
                uri=target.relative_to(self.workspace.root).as_posix(),
                sha256=sha256 or NOT_WRITTEN,
                n_tiles=tiles.n_tiles,
                tiles_key=attrs.tiles_key,
                source=bag.file.path.name,
                source_sha256=bag.hashed.sha256,
                layout=tiles.layout,
                mpp=tiles.mpp,
                tile_px_level0=tiles.tile_px_level0,
                without_coords=tiles.without_coords,
                labelled=tiles.labels is not None,
            ),
            dims=LevelDims(**{level: array.shape[1] for level, array in stored.items()}),
            written=kept is None,
        )

    def _read(self, file: SourceFile) -> ImportedBag:
        if self._last is None or self._last[0] != file:
            self._last = None
            self._last = (file, read_bag(file.path, options=self.options))
        tiles = self._last[1]
        maker = tiles.attributes.get("teacher")
        if tiles.layout == "shazam" and maker not in {None, self.teacher.name}:
            raise FeatureError(f"holds features of teacher '{maker}'; import it under that name")
        return tiles

    def _attrs(self, bag: Bag, tiles: ImportedBag) -> FeatureAttrs:
        key = ImportKey(
            slide_id=bag.slide_id,
            source_sha256=bag.hashed.sha256,
            teacher=self.teacher.name,
            revision=self.teacher.revision,
            weights_sha256=self.teacher.weights_sha256,
            options=self.options,
        )
        return FeatureAttrs(
            teacher=self.teacher.name,
            revision=self.teacher.revision,
            weights_sha256=self.teacher.weights_sha256,
            transform_sha256=None,
            tiles_key=tiles_key(bag.slide_id, tiles.coords_level0, n_tiles=tiles.n_tiles),
            slide_sha256=None,
            key=digest_of(key),
            mpp=tiles.mpp,
            source_sha256=bag.hashed.sha256,
            without_coords=tiles.without_coords,
            dtype=self.options.dtype.value,
            missing_values=self.options.missing_values.value if self.options.allows_nan else None,
        )


def _kept(target: Path, tiles: ImportedBag, *, attrs: FeatureAttrs) -> str | None:
    """Return the digest of an earlier import's file if it is of this key and unaltered."""
    sha256 = sealed_digest(target)
    if sha256 is None:
        return None
    try:
        check_features(
            target,
            attrs=attrs,
            coords=tiles.coords_level0,
            labels=tiles.labels,
            levels=tuple(tiles.levels),
        )
    except ArtifactError:
        return None
    return sha256


def _raise_if_none_is_understood(quarantine: Sequence[QuarantineEntry], *, n_bags: int) -> None:
    unknown = [e for e in quarantine if e.reason == UnknownLayoutError.reason]
    if len(unknown) == n_bags:
        raise CohortError(STAGE, [f"{entry.slide_id}: {entry.message}" for entry in unknown])


def _of_other_dims(one: _Done, dims: LevelDims, teacher: ImportedTeacher) -> QuarantineEntry:
    return QuarantineEntry(
        slide_id=one.slide.slide_id,
        slide_sha256=one.slide.source_sha256,
        stage=f"{STAGE}:{teacher.name}",
        error=FeatureError.__name__,
        reason=FeatureError.reason,
        message=f"case '{one.slide.case_id}', teacher '{teacher.name}': "
        f"has {widths_text(one.dims)} where most files have {widths_text(dims)}",
    )
