"""Open a slide and read pixels from it; every failure is an UnreadableSlideError."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from shazam.errors import ImageTooLargeError
from shazam.slidefiles import digest_of_slide, size_of_slide
from shazam.slides.levels import levels_of_one_shape
from shazam.slides.opening import open_any, readable
from shazam.slides.repeated import RepeatedTiles, repeated_tiles
from shazam.slides.resolution import SlideProperties, resolve_mpp, resolve_objective

RgbArray = npt.NDArray[np.uint8]

# 13 x 13 cm at 8 micrometres per pixel; finding tissue in so many takes about 10 GB
MAX_OVERVIEW_PIXELS = 1 << 28
_BLOCK_PX = 2048
_PROBE_PX = 8
# from here on it pays to look for tiles that need not be decoded
_MANY_PIXELS = 1 << 28


class SlideReader:
    """An open slide. Use it as a context manager; one reader may serve several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._opened = open_any(path)
        self._slide = self._opened.slide
        self._levels = levels_of_one_shape(self._slide.level_dimensions)
        self._overview: tuple[float, RgbArray] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Release the file; further reads are an error."""
        self._slide.close()

    @property
    def level_downsamples(self) -> tuple[float, ...]:
        """How many level-0 pixels one pixel of each level spans, level 0 first."""
        return tuple(float(self._slide.level_downsamples[number]) for number in self._levels)

    @property
    def dims_px(self) -> tuple[int, int]:
        """(width, height) at level 0."""
        return self._slide.dimensions

    @property
    def level_dims_px(self) -> tuple[tuple[int, int], ...]:
        """(width, height) of each level, level 0 first; pictures of another shape are none."""
        return tuple(self._slide.level_dimensions[number] for number in self._levels)

    @property
    def format(self) -> str:
        """The vendor as OpenSlide names it, or ``plain-png`` and the like."""
        return self._opened.format

    @property
    def tags(self) -> Mapping[str, str]:
        """All that the file says beside its pixels."""
        return self._opened.tags

    @property
    def associated_images(self) -> tuple[str, ...]:
        """Names of the images beside the slide, such as its label; they are never read."""
        return tuple(sorted(self._slide.associated_images))

    def mpp(self, *, assume_mpp: float | None) -> tuple[float, str]:
        """Return micrometres per pixel at level 0 and their origin; see :func:`resolve_mpp`."""
        return resolve_mpp(self._opened.mpp_tags, assume_mpp=assume_mpp)

    def objective(self) -> tuple[float, str] | tuple[None, None]:
        """Return the objective's magnification and its origin, where the slide says them."""
        return resolve_objective(self._opened.mpp_tags)

    def properties(
        self, *, assume_mpp: float | None, size_bytes: int, sha256: str
    ) -> SlideProperties:
        """Return what the slide says of itself.

        Args:
            assume_mpp: micrometres per pixel for a slide that says none.
            size_bytes: of all its files.
            sha256: of all its files.

        Raises:
            NoResolutionError: the slide says no resolution and none is assumed.
            ImplausibleResolutionError: no scanner gives the resolution the slide says.
        """
        mpp, mpp_origin = self.mpp(assume_mpp=assume_mpp)
        objective_power, objective_power_origin = self.objective()
        width_px, height_px = self.dims_px
        return SlideProperties(
            format=self.format,
            size_bytes=size_bytes,
            sha256=sha256,
            width_px=width_px,
            height_px=height_px,
            level_dims_px=self.level_dims_px,
            level_downsamples=self.level_downsamples,
            mpp=mpp,
            mpp_origin=mpp_origin,
            objective_power=objective_power,
            objective_power_origin=objective_power_origin,
        )

    def read_rgb(
        self, x_level0: int, y_level0: int, *, level: int, width_px: int, height_px: int
    ) -> RgbArray:
        """Read a region as an array, uint8 ``[height_px, width_px, 3]``; see :meth:`read_image`."""
        return np.asarray(
            self.read_image(x_level0, y_level0, level=level, width_px=width_px, height_px=height_px)
        )

    def read_image(
        self, x_level0: int, y_level0: int, *, level: int, width_px: int, height_px: int
    ) -> Image.Image:
        """Read a region as an RGB picture; where the slide has no pixels it is white.

        Args:
            x_level0: left edge in level-0 pixels.
            y_level0: upper edge in level-0 pixels.
            level: the level to read from.
            width_px: width in pixels of that level.
            height_px: height in pixels of that level.

        Raises:
            UnreadableSlideError: the region cannot be decoded.
        """
        return _on_white(self._region(x_level0, y_level0, level=level, size=(width_px, height_px)))

    def probe(self) -> None:
        """Decode the last pixels of every level, which a file cut short no longer has.

        Raises:
            UnreadableSlideError: one of them cannot be decoded.
        """
        levels = zip(self.level_dims_px, self.level_downsamples, strict=True)
        for level, ((width_px, height_px), downsample) in enumerate(levels):
            x_level0 = int(max(width_px - _PROBE_PX, 0) * downsample)
            y_level0 = int(max(height_px - _PROBE_PX, 0) * downsample)
            self.read_rgb(x_level0, y_level0, level=level, width_px=_PROBE_PX, height_px=_PROBE_PX)

    def overview(self, *, downsample: float) -> RgbArray:
        """Return the whole slide, one pixel for ``downsample`` level-0 pixels.

        Read in blocks from the coarsest level that is fine enough, so that memory stays bounded
        for a slide of any size, and averaged over areas.

        Args:
            downsample: level-0 pixels a pixel of the overview spans, at least 1.

        Returns:
            uint8 ``[height, width, 3]``, at least one pixel.

        Raises:
            ImageTooLargeError: it has more than ``MAX_OVERVIEW_PIXELS``; nothing was read.
            UnreadableSlideError: a part of it cannot be decoded.
        """
        if self._overview is None or self._overview[0] != downsample:
            self._overview = downsample, self._read_overview(downsample)
        return self._overview[1].copy()

    def _read_overview(self, downsample: float) -> RgbArray:
        level = _level_for(self.level_downsamples, downsample)
        step = downsample / self.level_downsamples[level]
        width_px, height_px = (max(1, int(side / downsample)) for side in self.dims_px)
        if width_px * height_px > MAX_OVERVIEW_PIXELS:
            raise ImageTooLargeError(
                f"an overview of {width_px} x {height_px} pixels is too large to be held in "
                f"memory, at most {MAX_OVERVIEW_PIXELS} in all; look whether the slide's "
                "resolution is true, or ask for a larger tiling.tissue_um_per_px"
            )
        overview = np.empty((height_px, width_px, 3), np.uint8)
        repeated = self._repeated(level)
        block_px = max(1, int(_BLOCK_PX / step))
        for top in range(0, height_px, block_px):
            for left in range(0, width_px, block_px):
                window = overview[top : top + block_px, left : left + block_px]
                window[:] = self._block(
                    left, top, window.shape, level=level, downsample=downsample, repeated=repeated
                )
        return overview

    def _block(
        self,
        left: int,
        top: int,
        shape: tuple[int, ...],
        *,
        level: int,
        downsample: float,
        repeated: RepeatedTiles | None,
    ) -> RgbArray:
        height_px, width_px = shape[:2]
        level_downsample = self.level_downsamples[level]
        step = downsample / level_downsample
        x_level0, y_level0 = int(left * downsample), int(top * downsample)
        size = max(1, round(width_px * step)), max(1, round(height_px * step))
        if repeated is not None and repeated.cover(
            int(x_level0 / level_downsample),
            int(y_level0 / level_downsample),
            width_px=size[0],
            height_px=size[1],
        ):
            x, y = (int(corner * level_downsample) for corner in repeated.first())
            size = 1, 1
            x_level0, y_level0 = x, y
        region = self._region(x_level0, y_level0, level=level, size=size)
        return np.asarray(_on_white(region.resize((width_px, height_px), Image.Resampling.BOX)))

    def _repeated(self, level: int) -> RepeatedTiles | None:
        """Return the copies of one tile of a single colour, where looking for them pays."""
        width_px, height_px = self.level_dims_px[level]
        if width_px * height_px < _MANY_PIXELS:
            return None
        repeated = repeated_tiles(self._path, dims_px=(width_px, height_px))
        if repeated is None:
            return None
        x_level0, y_level0 = (
            int(corner * self.level_downsamples[level]) for corner in repeated.first()
        )
        tile = self.read_rgb(
            x_level0,
            y_level0,
            level=level,
            width_px=min(repeated.tile_width_px, width_px),
            height_px=min(repeated.tile_height_px, height_px),
        )
        return repeated if (tile == tile[0, 0]).all() else None

    def _region(
        self, x_level0: int, y_level0: int, *, level: int, size: tuple[int, int]
    ) -> Image.Image:
        with readable(self._path):
            return self._slide.read_region((x_level0, y_level0), self._levels[level], size)


def open_slide(path: Path) -> SlideReader:
    """Open a slide.

    Raises:
        UnreadableSlideError: OpenSlide cannot open the file.
    """
    return SlideReader(path)


def read_properties(path: Path, *, assume_mpp: float | None) -> SlideProperties:
    """Open a slide and return what it says of itself.

    Args:
        path: the slide.
        assume_mpp: micrometres per pixel for a slide that says none.

    Raises:
        UnreadableSlideError: OpenSlide cannot open the file.
        NoResolutionError: the slide says no resolution and none is assumed.
        ImplausibleResolutionError: no scanner gives the resolution the slide says.
    """
    with readable(path), open_slide(path) as reader:
        return reader.properties(
            assume_mpp=assume_mpp, size_bytes=size_of_slide(path), sha256=digest_of_slide(path)
        )


def _level_for(level_downsamples: tuple[float, ...], downsample: float) -> int:
    fine_enough = [
        level for level, value in enumerate(level_downsamples) if value <= max(downsample, 1.0)
    ]
    return max(fine_enough, key=lambda level: level_downsamples[level])


def _on_white(region: Image.Image) -> Image.Image:
    if region.getchannel("A").getextrema() == (255, 255):
        return region.convert("RGB")
    white = Image.new("RGBA", region.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, region).convert("RGB")
