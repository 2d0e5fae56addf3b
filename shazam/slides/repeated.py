"""Tiles of a TIFF that are copies of one plain tile, as empty glass often is.

A level of billions of pixels takes minutes to decode. Where most of its tiles are the same bytes,
decoding one of them tells the colour of all, and only the others need be read.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile

BoolArray = npt.NDArray[np.bool_]

_MIN_SHARE = 0.1
_MAX_TILE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class RepeatedTiles:
    """Which tiles of a level have the same bytes: bool ``[rows, columns]``; sides in pixels."""

    same: BoolArray
    tile_width_px: int
    tile_height_px: int

    def first(self) -> tuple[int, int]:
        """Return (x, y) of the upper left corner of the first such tile, in level pixels."""
        row, column = np.argwhere(self.same)[0]
        return int(column) * self.tile_width_px, int(row) * self.tile_height_px

    def cover(self, left: int, top: int, *, width_px: int, height_px: int) -> bool:
        """Tell whether a region, in level pixels, lies in such tiles alone."""
        rows = slice(top // self.tile_height_px, -(-(top + height_px) // self.tile_height_px))
        columns = slice(left // self.tile_width_px, -(-(left + width_px) // self.tile_width_px))
        return bool(self.same[rows, columns].all())


def repeated_tiles(path: Path, *, dims_px: tuple[int, int]) -> RepeatedTiles | None:
    """Return the tiles that share the commonest bytes; None where few do or it is no tiled TIFF.

    Args:
        path: the slide's file.
        dims_px: (width, height) of the level, by which its page is found.
    """
    try:
        with tifffile.TiffFile(path) as file:
            pages = (page for page in file.pages if isinstance(page, tifffile.TiffPage))
            page = next((page for page in pages if _is_level(page, dims_px)), None)
            return None if page is None else _compare(path, page)
    except (tifffile.TiffFileError, OSError, TypeError, ValueError, LookupError, struct.error):
        return None


def _is_level(page: tifffile.TiffPage, dims_px: tuple[int, int]) -> bool:
    return bool(page.is_tiled and (page.imagewidth, page.imagelength) == dims_px)


def _compare(path: Path, page: tifffile.TiffPage) -> RepeatedTiles | None:
    width_px, height_px = page.tilewidth, page.tilelength
    shape = (-(-page.imagelength // height_px), -(-page.imagewidth // width_px))
    n_bytes = np.asarray(page.databytecounts)
    if n_bytes.size != shape[0] * shape[1]:
        return None
    common_bytes, count = Counter(n_bytes.tolist()).most_common(1)[0]
    if not 0 < common_bytes <= _MAX_TILE_BYTES or count < _MIN_SHARE * n_bytes.size:
        return None
    candidates = np.flatnonzero(n_bytes == common_bytes)
    same = np.zeros(n_bytes.size, dtype=np.bool_)
    with path.open("rb") as file:
        contents = []
        for tile in candidates:
            file.seek(page.dataoffsets[tile])
            contents.append(hash(file.read(common_bytes)))
    commonest, count = Counter(contents).most_common(1)[0]
    if count < _MIN_SHARE * n_bytes.size or count == 1:
        return None
    same[candidates[np.asarray(contents) == commonest]] = True
    return RepeatedTiles(same.reshape(shape), tile_width_px=width_px, tile_height_px=height_px)
