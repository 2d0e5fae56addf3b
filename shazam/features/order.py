"""The order in which the tiles of a slide are read: block by block, not row by row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shazam.slides.grid import TileGrid

_BLOCK_COLUMNS = 8
_BLOCK_ROWS = 4

Float16Array = npt.NDArray[np.float16]
IntArray = npt.NDArray[np.intp]


def reading_order(grid: TileGrid) -> IntArray:
    """Return places in the grid in the order of reading, ``[n_tiles]``.

    A slide is stored in tiles of its own, and those on the edge of ours are decoded for both
    neighbours. In a row of a wide slide, the neighbour below comes long after the decoded edge was
    forgotten, so tiles are read in blocks of 8 x 4.
    """
    step_px = grid.spec.tile_um / grid.spec.mpp
    column, row = np.rint(grid.coords_level0 / step_px).astype(np.intp).T
    keys = (column, row, column // _BLOCK_COLUMNS, row // _BLOCK_ROWS)
    return np.lexsort(keys)


def in_grid_order(features: Float16Array, order: IntArray) -> Float16Array:
    """Return rows that came in the order of reading, ``[n_tiles, dim]``, in that of the grid."""
    placed = np.empty_like(features)
    placed[order] = features
    return placed
