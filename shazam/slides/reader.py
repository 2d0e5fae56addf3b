"""Open a slide and read pixels from it; every failure is an UnreadableSlideError."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import openslide
from PIL import Image

from shazam.errors import UnreadableSlideError
from shazam.slides.resolution import SlideProperties, objective_power, resolve_mpp

RgbArray = npt.NDArray[np.uint8]

_BLOCK_PX = 4096
_PROBE_PX = 8


class SlideReader:
    """An open slide. Use it as a context manager; one reader may serve several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _readable(path):
            self._slide = openslide.OpenSlide(path)

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
        return tuple(float(value) for value in self._slide.level_downsamples)

    @property
    def dims_px(self) -> tuple[int, int]:
        """(width, height) at level 0."""
        return self._slide.dimensions

    def properties(self, *, assume_mpp: float | None) -> SlideProperties:
        """Return what the slide says of itself.

        Args:
            assume_mpp: micrometres per pixel for a slide that says none.

        Raises:
            NoResolutionError: the slide says no resolution and none is assumed.
            ImplausibleResolutionError: no scanner gives the resolution the slide says.
        """
        tags = dict(self._slide.properties)
        mpp, origin = resolve_mpp(tags, assume_mpp=assume_mpp)
        width_px, height_px = self.dims_px
        return SlideProperties(
            format=tags.get(openslide.PROPERTY_NAME_VENDOR, "unknown"),
            width_px=width_px,
            height_px=height_px,
            level_dims_px=tuple(self._slide.level_dimensions),
            level_downsamples=self.level_downsamples,
            mpp=mpp,
            mpp_origin=origin,
            objective_power=objective_power(tags),
        )

    def read_rgb(
        self, x_level0: int, y_level0: int, *, level: int, width_px: int, height_px: int
    ) -> RgbArray:
        """Read a region; where the slide has no pixels it is white.

        Args:
            x_level0: left edge in level-0 pixels.
            y_level0: upper edge in level-0 pixels.
            level: the level to read from.
            width_px: width in pixels of that level.
            height_px: height in pixels of that level.

        Returns:
            uint8 ``[height_px, width_px, 3]``.

        Raises:
            UnreadableSlideError: the region cannot be decoded.
        """
        with _readable(self._path):
            region = self._slide.read_region((x_level0, y_level0), level, (width_px, height_px))
            return _on_white(region)

    def probe(self) -> None:
        """Decode the last pixels of every level, which a file cut short no longer has.

        Raises:
            UnreadableSlideError: one of them cannot be decoded.
        """
        levels = zip(self._slide.level_dimensions, self.level_downsamples, strict=True)
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
        """
        level = _level_for(self.level_downsamples, downsample)
        step = downsample / self.level_downsamples[level]
        width_px, height_px = (max(1, int(side / downsample)) for side in self.dims_px)
        overview = np.empty((height_px, width_px, 3), np.uint8)
        block_px = max(1, int(_BLOCK_PX / step))
        for top in range(0, height_px, block_px):
            for left in range(0, width_px, block_px):
                window = overview[top : top + block_px, left : left + block_px]
                window[:] = self._block(left, top, window.shape, level=level, downsample=downsample)
        return overview

    def _block(
        self, left: int, top: int, shape: tuple[int, ...], *, level: int, downsample: float
    ) -> RgbArray:
        height_px, width_px = shape[:2]
        step = downsample / self.level_downsamples[level]
        pixels = self.read_rgb(
            int(left * downsample),
            int(top * downsample),
            level=level,
            width_px=max(1, round(width_px * step)),
            height_px=max(1, round(height_px * step)),
        )
        image = Image.fromarray(pixels).resize((width_px, height_px), Image.Resampling.BOX)
        return np.asarray(image)


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
    with open_slide(path) as reader:
        return reader.properties(assume_mpp=assume_mpp)


def _level_for(level_downsamples: tuple[float, ...], downsample: float) -> int:
    fine_enough = [
        level for level, value in enumerate(level_downsamples) if value <= max(downsample, 1.0)
    ]
    return max(fine_enough, key=lambda level: level_downsamples[level])


def _on_white(region: Image.Image) -> RgbArray:
    rgba = np.asarray(region)
    alpha = rgba[..., 3]
    if (alpha == 255).all():
        return np.ascontiguousarray(rgba[..., :3])
    white = Image.new("RGBA", region.size, (255, 255, 255, 255))
    return np.asarray(Image.alpha_composite(white, region).convert("RGB"))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Name every way in which reading fails; messages carry no folder, so runs compare equal."""
    try:
        yield
    except (openslide.OpenSlideError, OSError, MemoryError) as error:
        detail = str(error).replace(str(path), path.name) or "no detail given"
        raise UnreadableSlideError(
            f"OpenSlide cannot read it ({type(error).__name__}: {detail}); "
            "restore the file from its source or remove the slide from the table"
        ) from error
