"""The tile grid file of each slide: ``tiles/<key>/<slide_id>.h5``."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path

import numpy as np

from shazam.config.tiling import TilingConfig
from shazam.digest import digest_of
from shazam.errors import ArtifactError
from shazam.hdf5 import read_arrays, read_attributes, write_arrays
from shazam.ids import resolve_inside
from shazam.manifests import (
    QuarantineEntry,
    TiledSlide,
    TilesManifest,
    ValidatedSlide,
    ValidationManifest,
)
from shazam.meaning import meaning_within
from shazam.progress import MakeProgress, Progress
from shazam.publish import publish_sealed, sealed_digest
from shazam.slides.contact_sheet import keep_thumbnail, publish_contact_sheet
from shazam.slides.filters import Filtered, filter_tiles
from shazam.slides.grid import TileGrid, TileSpec
from shazam.slides.quarantine import attempt
from shazam.slides.reader import open_slide
from shazam.slides.records import check_content, check_unchanged
from shazam.slides.survey import SURVEY_METHOD, survey
from shazam.workspace import Workspace

STAGE = "tile"

_DROPPED = ("n_dropped_pen", "n_dropped_blur")


def tiles_method() -> str:
    """Return what stands in every tiles key: the code that finds, filters and draws tiles."""
    return f"{SURVEY_METHOD}.{meaning_within('shazam/slides', 'shazam/slides/tiles.py')}"


@dataclass(frozen=True, slots=True)
class TilesKey:
    """Everything that changes the bytes of a tile grid file; ``mpp`` is that of level 0."""

    slide_sha256: str
    mpp: float
    tile_um: float
    tile_px: int
    min_tissue_fraction: float
    tissue_um_per_px: float
    max_upsampling: float
    max_pen_fraction: float | None
    min_sharpness: float | None
    method: str = field(default_factory=tiles_method)

    @classmethod
    def of(cls, slide: ValidatedSlide, *, config: TilingConfig) -> TilesKey:
        """Return the key of one slide under a configuration."""
        settings = config.model_dump(mode="json", exclude={"assume_mpp"})
        return cls(slide_sha256=slide.sha256, mpp=slide.mpp, **settings)


def tile_slides(
    manifest: ValidationManifest,
    *,
    slides_dir: Path,
    config: TilingConfig,
    workspace: Workspace,
    progress: MakeProgress,
) -> TilesManifest:
    """Tile all slides that passed validation; the quarantine so far is carried on."""
    slides: list[TiledSlide] = []
    quarantine = list(manifest.quarantine)
    with progress(len(manifest.slides)) as told:
        for slide in manifest.slides:
            path = resolve_inside(slides_dir, slide.path)
            outcome = attempt(
                partial(tile_slide, path, slide=slide, config=config, workspace=workspace),
                slide_id=slide.slide_id,
                slide_sha256=slide.sha256,
                stage=STAGE,
            )
            if isinstance(outcome, QuarantineEntry):
                quarantine.append(outcome)
                told.quarantine(outcome.slide_id, outcome.reason)
            else:
                slides.append(outcome)
                _tell_dropped(told, outcome)
            told.advance()
    return TilesManifest(
        cohort=manifest.cohort,
        slides=tuple(slides),
        quarantine=tuple(quarantine),
        contact_sheet=publish_contact_sheet(slides, quarantine=quarantine, workspace=workspace),
    )


def _tell_dropped(told: Progress, slide: TiledSlide) -> None:
    if slide.n_dropped_pen or slide.n_dropped_blur:
        told.note(
            f"{slide.slide.slide_id}: {slide.n_tiles} tiles kept, "
            f"{slide.n_dropped_pen} dropped for pen, {slide.n_dropped_blur} for blur"
        )


def tile_slide(
    path: Path, *, slide: ValidatedSlide, config: TilingConfig, workspace: Workspace
) -> TiledSlide:
    """Publish the tile grid of one slide and its thumbnail, or take those that are there and sound.

    Args:
        path: the slide's file.
        slide: the slide as validated.
        config: size of tiles and limits.
        workspace: where the file goes.

    Raises:
        SlideError: the slide changed, cannot be decoded, or holds no tissue.
    """
    key = digest_of(TilesKey.of(slide, config=config))
    target = workspace.root / "tiles" / key / f"{slide.slide_id}.h5"
    sha256 = sealed_digest(target)
    if sha256 is None:
        check_unchanged(path, size_bytes=slide.size_bytes)
        with open_slide(path) as reader:
            found = survey(reader, mpp=slide.mpp, config=config)
            tiles = filter_tiles(reader, found=found, config=config)
        check_content(path, sha256=slide.sha256)
        sha256 = _write_tiles(target, tiles=tiles, key=key, slide_sha256=slide.sha256)
    else:
        tiles = read_tiles(target)
    keep_thumbnail(path, target, slide=slide, grid=tiles.grid, config=config)
    return TiledSlide(
        slide=slide,
        key=key,
        uri=workspace.uri(target),
        sha256=sha256,
        n_tiles=tiles.grid.n_tiles,
        n_dropped_pen=tiles.n_dropped_pen,
        n_dropped_blur=tiles.n_dropped_blur,
    )


def read_tiles(path: Path) -> Filtered:
    """Return the tile grid of a file with the counts of what the filters dropped.

    Raises:
        ArtifactError: the file cannot be read or is no tile grid.
    """
    found = read_attributes(path, _DROPPED)
    return Filtered(read_grid(path), *(int(found[name]) for name in _DROPPED))


def read_grid(path: Path) -> TileGrid:
    """Return the tile grid of a file.

    Raises:
        ArtifactError: the file cannot be read or is no tile grid.
    """
    found = read_attributes(path, [field.name for field in fields(TileSpec)])
    arrays = read_arrays(path, ("coords", "tissue_fraction"))
    spec = TileSpec(
        mpp=float(found["mpp"]),
        tile_um=float(found["tile_um"]),
        tile_px=int(found["tile_px"]),
        level=int(found["level"]),
        downsample=float(found["downsample"]),
    )
    return TileGrid(
        spec=spec,
        coords_level0=arrays["coords"].astype(np.int32, copy=False),
        tissue_fraction=arrays["tissue_fraction"].astype(np.float32, copy=False),
    )


def _write_tiles(target: Path, *, tiles: Filtered, key: str, slide_sha256: str) -> str:
    grid = tiles.grid
    dropped = {name: getattr(tiles, name) for name in _DROPPED}
    attrs = {**asdict(grid.spec), **dropped, "key": key, "slide_sha256": slide_sha256}
    arrays = {"coords": grid.coords_level0, "tissue_fraction": grid.tissue_fraction}

    def write(path: Path) -> None:
        write_arrays(path, arrays, attrs)

    def check(path: Path) -> None:
        found = read_grid(path)
        same = np.array_equal(found.coords_level0, grid.coords_level0)
        if not same or found.spec != grid.spec:
            raise ArtifactError(f"{target}: the disk gave back another grid than was written")

    return publish_sealed(target, write, check=check)
