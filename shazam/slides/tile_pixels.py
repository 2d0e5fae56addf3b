"""The pixels of one tile as a teacher sees them: one read, at most one resampling."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from shazam.slides.grid import TileSpec
from shazam.slides.reader import SlideReader

RgbArray = npt.NDArray[np.uint8]


def read_tile(reader: SlideReader, *, x_level0: int, y_level0: int, spec: TileSpec) -> RgbArray:
    """Read one tile and resample it once, where its level needs that.

    Args:
        reader: the open slide.
        x_level0: left edge in level-0 pixels.
        y_level0: upper edge in level-0 pixels.
        spec: how tiles are cut.

    Returns:
        uint8 ``[tile_px, tile_px, 3]``.

    Raises:
        UnreadableSlideError: the tile cannot be decoded.
    """
    side_px = spec.tile_px_level
    picture = reader.read_image(
        x_level0, y_level0, level=spec.level, width_px=side_px, height_px=side_px
    )
    if side_px != spec.tile_px:
        picture = picture.resize((spec.tile_px, spec.tile_px), Image.Resampling.BICUBIC)
    return np.asarray(picture)
