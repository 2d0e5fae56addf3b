"""Look at one slide outside any run: what it says, holds and gives away, and what would become
of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from shazam.config.tiling import TilingConfig
from shazam.errors import (
    NotBrightfieldError,
    NoTissueError,
    SlideError,
    TooCoarseError,
    UnreadableSlideError,
)
from shazam.manifests import Entry
from shazam.slidefiles import digest_of_slide, files_of, size_of_slide
from shazam.slides.filters import filter_tiles
from shazam.slides.grid import TileGrid
from shazam.slides.overlay import overlay
from shazam.slides.picture import fit_mask, slide_picture
from shazam.slides.privacy import PrivacyFinding, find_privacy
from shazam.slides.reader import SlideReader, open_slide
from shazam.slides.survey import survey
from shazam.slides.tissue import BoolArray, tissue_mask

PICTURE_PX = 1600

RgbArray = npt.NDArray[np.uint8]


class Level(Entry):
    """One level; ``downsample`` is level-0 pixels a pixel of it spans."""

    width_px: PositiveInt
    height_px: PositiveInt
    downsample: PositiveFloat


class Problem(Entry):
    """Why a run would set the slide aside."""

    error: str
    reason: str
    message: str


class Inspection(Entry):
    """What was found in a slide; what could not be found is None.

    ``size_bytes`` and ``sha256`` cover all ``n_files`` files of the slide. ``mpp`` is micrometres
    per pixel at level 0. ``problem`` is None for a slide that a run would use.
    """

    path: str
    format: str | None = None
    n_files: PositiveInt | None = None
    size_bytes: NonNegativeInt | None = None
    sha256: str | None = None
    width_px: PositiveInt | None = None
    height_px: PositiveInt | None = None
    levels: tuple[Level, ...] = ()
    mpp: PositiveFloat | None = None
    mpp_origin: str | None = None
    objective_power: PositiveFloat | None = None
    objective_power_origin: str | None = None
    tissue_fraction: float | None = Field(default=None, ge=0, le=1)
    n_tiles: NonNegativeInt | None = None
    n_dropped_pen: NonNegativeInt | None = None
    n_dropped_blur: NonNegativeInt | None = None
    tile_um: PositiveFloat
    tile_px: PositiveInt
    tile_level: NonNegativeInt | None = None
    privacy: tuple[PrivacyFinding, ...] = ()
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Inspected:
    """The findings and, where one was asked for and could be drawn, the picture."""

    inspection: Inspection
    picture: RgbArray | None


def inspect_slide(path: Path, *, config: TilingConfig, with_picture: bool) -> Inspected:
    """Inspect one slide; whatever is wrong with it is a finding, not an error.

    Args:
        path: the slide's file.
        config: size of tiles and limits, as a run would have them.
        with_picture: whether to draw the overview with tissue and tiles.
    """
    look = _Look(path, config=config, with_picture=with_picture)
    try:
        look.at_files()
        with open_slide(path) as reader:
            look.at_tags(reader)
            look.at_resolution(reader)
            look.at_pixels(reader)
    except SlideError as error:
        look.found["problem"] = Problem(
            error=type(error).__name__, reason=error.reason, message=str(error)
        )
    return Inspected(inspection=Inspection(**look.found), picture=look.picture)


class _Look:
    """Collects what is found, so that a problem keeps what was found before it."""

    def __init__(self, path: Path, *, config: TilingConfig, with_picture: bool) -> None:
        self._path = path
        self._config = config
        self._with_picture = with_picture
        self.picture: RgbArray | None = None
        self.found: dict[str, Any] = {
            "path": str(path),
            "tile_um": config.tile_um,
            "tile_px": config.tile_px,
            "privacy": find_privacy({}, associated_images=(), file_name=path.name),
        }

    def at_files(self) -> None:
        if not self._path.is_file():
            raise UnreadableSlideError("neither a file nor a folder of slides; name the slide")
        try:
            self.found["n_files"] = len(files_of(self._path))
            self.found["size_bytes"] = size_of_slide(self._path)
            self.found["sha256"] = digest_of_slide(self._path)
        except OSError as error:
            raise UnreadableSlideError(
                f"a file of the slide cannot be read ({error.strerror}); check its permissions"
            ) from error

    def at_tags(self, reader: SlideReader) -> None:
        self.found["format"] = reader.format
        self.found["width_px"], self.found["height_px"] = reader.dims_px
        sides = zip(reader.level_dims_px, reader.level_downsamples, strict=True)
        self.found["levels"] = tuple(
            Level(width_px=width, height_px=height, downsample=downsample)
            for (width, height), downsample in sides
        )
        power, origin = reader.objective()
        self.found["objective_power"], self.found["objective_power_origin"] = power, origin
        self.found["privacy"] = find_privacy(
            reader.tags, associated_images=reader.associated_images, file_name=self._path.name
        )

    def at_resolution(self, reader: SlideReader) -> None:
        mpp, origin = reader.mpp(assume_mpp=self._config.assume_mpp)
        self.found["mpp"], self.found["mpp_origin"] = mpp, origin

    def at_pixels(self, reader: SlideReader) -> None:
        reader.probe()
        try:
            found = survey(reader, mpp=self.found["mpp"], config=self._config)
            tiles = filter_tiles(reader, found=found, config=self._config)
        except NoTissueError:
            mask = self._mask(reader)
            self.found["tissue_fraction"], self.found["n_tiles"] = float(mask.mean()), 0
            self._draw(reader, mask=mask, grid=None)
            raise
        except (NotBrightfieldError, TooCoarseError):
            self._draw(reader, mask=None, grid=None)
            raise
        self.found["tissue_fraction"] = found.tissue_fraction
        self.found["n_tiles"] = tiles.grid.n_tiles
        self.found["n_dropped_pen"] = tiles.n_dropped_pen
        self.found["n_dropped_blur"] = tiles.n_dropped_blur
        self.found["tile_level"] = tiles.grid.spec.level
        if self._with_picture:
            self._draw(reader, mask=self._mask(reader), grid=tiles.grid)

    def _mask(self, reader: SlideReader) -> BoolArray:
        overview = reader.overview(downsample=self._downsample)
        return tissue_mask(overview, um_per_px=self._downsample * float(self.found["mpp"]))

    def _draw(self, reader: SlideReader, *, mask: BoolArray | None, grid: TileGrid | None) -> None:
        if self._with_picture:
            rgb, downsample = slide_picture(
                reader, longest_px=PICTURE_PX, overview_downsample=self._downsample
            )
            fitted = None if mask is None else fit_mask(mask, like=rgb)
            self.picture = overlay(rgb, mask=fitted, grid=grid, downsample=downsample)

    @property
    def _downsample(self) -> float:
        return max(1.0, self._config.tissue_um_per_px / float(self.found["mpp"]))
