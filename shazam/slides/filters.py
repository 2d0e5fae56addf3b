"""Tiles that are left out although they hold tissue: inked or out of focus. Off by default."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shazam.config.tiling import TilingConfig
from shazam.errors import NoTissueError
from shazam.slides.grid import TileGrid, area_fractions
from shazam.slides.reader import SlideReader
from shazam.slides.sharpness import sharpness
from shazam.slides.survey import Survey
from shazam.slides.tile_pixels import read_tile

BoolArray = npt.NDArray[np.bool_]

FILTER_SETTINGS = frozenset({"max_pen_fraction", "min_sharpness"})


@dataclass(frozen=True, slots=True)
class Filtered:
    """The tiles that are left, and how many each filter dropped; a tile is counted once."""

    grid: TileGrid
    n_dropped_pen: int = 0
    n_dropped_blur: int = 0

    @property
    def dropped(self) -> str:
        """What was dropped, in words; empty if nothing was."""
        counts = {"pen": self.n_dropped_pen, "blur": self.n_dropped_blur}
        return ", ".join(f"{count} for {name}" for name, count in counts.items() if count)


def filter_tiles(reader: SlideReader, *, found: Survey, config: TilingConfig) -> Filtered:
    """Apply the filters that are switched on, pen first, because it reads no tile.

    Args:
        reader: the open slide.
        found: its survey.
        config: ``max_pen_fraction`` and ``min_sharpness``; None switches a filter off.

    Raises:
        NoTissueError: no tile is left.
        UnreadableSlideError: a tile cannot be decoded.
    """
    inked = _without_pen(found, max_fraction=config.max_pen_fraction)
    sharp = _in_focus(reader, inked, min_sharpness=config.min_sharpness)
    filtered = Filtered(
        grid=sharp,
        n_dropped_pen=found.grid.n_tiles - inked.n_tiles,
        n_dropped_blur=inked.n_tiles - sharp.n_tiles,
    )
    if sharp.n_tiles == 0:
        raise NoTissueError(
            f"the filters left none of {found.grid.n_tiles} tiles: {filtered.dropped}; look at "
            "the slide, or relax tiling.max_pen_fraction or tiling.min_sharpness"
        )
    return filtered


def _without_pen(found: Survey, *, max_fraction: float | None) -> TileGrid:
    if max_fraction is None:
        return found.grid
    inked = area_fractions(found.pen, grid=found.grid, mask_downsample=found.downsample)
    return found.grid.only(inked <= max_fraction + 1e-9)


def _in_focus(reader: SlideReader, grid: TileGrid, *, min_sharpness: float | None) -> TileGrid:
    if min_sharpness is None:
        return grid
    kept: BoolArray = np.zeros(grid.n_tiles, dtype=bool)
    for number, (x_level0, y_level0) in enumerate(grid.coords_level0):
        tile = read_tile(reader, x_level0=int(x_level0), y_level0=int(y_level0), spec=grid.spec)
        kept[number] = sharpness(tile) >= min_sharpness
    return grid.only(kept)
