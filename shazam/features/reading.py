"""Tiles read ahead: a thread decodes the next batch while the model works on this one."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from shazam.slides.grid import TileGrid, TileSpec
from shazam.slides.reader import SlideReader, open_slide

RgbArray = npt.NDArray[np.uint8]

_BATCHES_AHEAD = 2


def read_batches(path: Path, *, grid: TileGrid, batch_size: int) -> Generator[RgbArray, None, None]:
    """Give the tiles of a slide in batches; the next one is decoded while this one is used.

    Args:
        path: the slide's file.
        grid: its tiles.
        batch_size: tiles in a batch; the last may be shorter.

    Yields:
        uint8 ``[n_batch, tile_px, tile_px, 3]``.

    Raises:
        UnreadableSlideError: the slide cannot be opened or a tile not decoded.
    """
    starts = range(0, grid.n_tiles, batch_size)
    with open_slide(path) as reader, ThreadPoolExecutor(1) as executor:
        read = partial(_read_batch, reader, grid, batch_size)
        ahead = deque(executor.submit(read, start) for start in starts[:_BATCHES_AHEAD])
        for start in starts[_BATCHES_AHEAD:]:
            batch = ahead.popleft().result()
            ahead.append(executor.submit(read, start))
            yield batch
        while ahead:
            yield ahead.popleft().result()


def _read_batch(reader: SlideReader, grid: TileGrid, batch_size: int, start: int) -> RgbArray:
    coords = grid.coords_level0[start : start + batch_size]
    tiles = [read_tile(reader, x_level0=int(x), y_level0=int(y), spec=grid.spec) for x, y in coords]
    return np.stack(tiles)


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
    pixels = reader.read_rgb(
        x_level0, y_level0, level=spec.level, width_px=side_px, height_px=side_px
    )
    if side_px == spec.tile_px:
        return pixels
    size_px = (spec.tile_px, spec.tile_px)
    return np.asarray(Image.fromarray(pixels).resize(size_px, Image.Resampling.BICUBIC))
