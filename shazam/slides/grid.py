"""The tile grid: where tiles of one physical size lie on a slide of any resolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shazam.config.tiling import TilingConfig
from shazam.errors import TooCoarseError
from shazam.slides.tissue import BoolArray

Int32Array = npt.NDArray[np.int32]
Float32Array = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TileSpec:
    """How tiles of one slide are cut: three coordinate systems and the way between them.

    1. **Level-0 pixels**: the finest image of the slide. All positions (``coords_level0``) are
       the upper left corners of tiles in these, x to the right, y down, whatever level is read.
    2. **Level pixels**: those of the level a tile is read from. One of them spans ``downsample``
       level-0 pixels; a tile is ``tile_px_level`` of them wide.
    3. **Tile pixels**: those of the image a teacher sees, ``tile_px`` wide, so that each spans
       ``tile_um / tile_px`` micrometres on every slide. One resampling leads from 2 to 3.

    Worked example: ``tile_um`` 112 and ``tile_px`` 224 ask for 0.5 micrometres a pixel. A 40x
    slide has ``mpp`` 0.25 at level 0 and levels of downsample 1, 4, 16. A tile is 112 / 0.25 =
    448 level-0 pixels wide. Level 1 has 1.0 micrometre a pixel and would have to be enlarged
    twice, so level 0 is read: 448 level pixels, resampled to 224 tile pixels. With levels of
    downsample 1, 2, 4 level 1 fits: 224 level pixels and nothing to resample. Either way the
    third tile of the first row has its corner at x = 2 * 448 = 896, y = 0, in level-0 pixels.
    """

    mpp: float
    tile_um: float
    tile_px: int
    level: int
    downsample: float

    @property
    def tile_px_level0(self) -> int:
        """Width of a tile in level-0 pixels, rounded."""
        return max(1, round(self.tile_um / self.mpp))

    @property
    def tile_px_level(self) -> int:
        """Width of a tile in pixels of the level that is read, rounded."""
        return max(1, round(self.tile_um / self.mpp / self.downsample))


@dataclass(frozen=True, slots=True)
class TileGrid:
    """The tiles of one slide that hold enough tissue, row by row.

    ``coords_level0`` is int32 ``[n_tiles, 2]`` (x, y), ``tissue_fraction`` float32 ``[n_tiles]``.
    """

    spec: TileSpec
    coords_level0: Int32Array
    tissue_fraction: Float32Array

    @property
    def n_tiles(self) -> int:
        """Number of tiles."""
        return len(self.coords_level0)

    def only(self, kept: BoolArray) -> TileGrid:
        """Return the tiles that are kept, bool ``[n_tiles]``, in the same order."""
        return TileGrid(self.spec, self.coords_level0[kept], self.tissue_fraction[kept])


def choose_spec(
    *, mpp: float, level_downsamples: Sequence[float], config: TilingConfig
) -> TileSpec:
    """Choose the coarsest level that need not be enlarged more than ``max_upsampling``.

    Args:
        mpp: micrometres per pixel at level 0.
        level_downsamples: level-0 pixels a pixel of each level spans, level 0 first.
        config: size of tiles and the limit.

    Raises:
        TooCoarseError: even level 0 is too coarse.
    """
    target_mpp = config.tile_um / config.tile_px
    usable = [
        (downsample, -level)
        for level, downsample in enumerate(level_downsamples)
        if mpp * downsample <= target_mpp * config.max_upsampling
    ]
    if not usable:
        raise TooCoarseError(
            f"{mpp:.4g} micrometres per pixel at level 0, tiles ask for {target_mpp:.4g}: they "
            f"would be enlarged {mpp / target_mpp:.2f} times, tiling.max_upsampling allows "
            f"{config.max_upsampling:g}; rescan the slide or ask for larger tiling.tile_um"
        )
    downsample, negative_level = max(usable)
    return TileSpec(mpp, config.tile_um, config.tile_px, -negative_level, downsample)


def tile_grid(
    mask: BoolArray,
    *,
    spec: TileSpec,
    dims_px: tuple[int, int],
    mask_downsample: float,
    min_tissue_fraction: float,
) -> TileGrid:
    """Lay a grid without gaps over a slide and keep the tiles that hold enough tissue.

    Tiles lie wholly inside the slide. A tile's tissue fraction is the exact area of tissue pixels
    in it, parts of mask pixels counted as parts.

    Args:
        mask: tissue, bool ``[height, width]``.
        spec: how tiles are cut.
        dims_px: (width, height) of the slide in level-0 pixels.
        mask_downsample: level-0 pixels a pixel of the mask spans.
        min_tissue_fraction: the least fraction a tile is kept with, 0 to 1; a tile without any
            tissue is never kept.
    """
    x_level0, y_level0 = (_corners(side_px, spec) for side_px in dims_px)
    width_mask = spec.tile_px_level0 / mask_downsample
    x_mask, y_mask = x_level0 / mask_downsample, y_level0 / mask_downsample
    coords = [np.empty((0, 2), np.int64)]
    kept = [np.empty(0, np.float64)]
    for y_tile, top in zip(y_level0, y_mask, strict=True):
        fraction = _fractions(mask, top=top, lefts=x_mask, width=width_mask)
        columns = np.flatnonzero((fraction > 0) & (fraction >= min_tissue_fraction - 1e-9))
        coords.append(np.stack([x_level0[columns], np.full(len(columns), y_tile)], axis=1))
        kept.append(fraction[columns])
    return TileGrid(
        spec=spec,
        coords_level0=np.concatenate(coords).astype(np.int32),
        tissue_fraction=np.concatenate(kept).astype(np.float32),
    )


def area_fractions(mask: BoolArray, *, grid: TileGrid, mask_downsample: float) -> FloatArray:
    """Return the fraction of each tile that a mask covers, ``[n_tiles]``, 0 to 1.

    Args:
        mask: bool ``[height, width]``.
        grid: the tiles.
        mask_downsample: level-0 pixels a pixel of the mask spans.
    """
    width = grid.spec.tile_px_level0 / mask_downsample
    x_level0, y_level0 = grid.coords_level0[:, 0], grid.coords_level0[:, 1]
    found = np.zeros(grid.n_tiles)
    for y_tile in np.unique(y_level0):
        row = y_level0 == y_tile
        lefts = x_level0[row] / mask_downsample
        found[row] = _fractions(mask, top=y_tile / mask_downsample, lefts=lefts, width=width)
    return found


def _fractions(mask: BoolArray, *, top: float, lefts: FloatArray, width: float) -> FloatArray:
    """Return which part of square tiles in one row the mask covers, ``[n_lefts]``; mask pixels.

    Memory is that of a few rows of the mask. The mask may end a fraction of a pixel before the
    slide does, so parts are taken of what it spans.
    """
    n_rows, n_columns = mask.shape
    bottom = min(top + width, n_rows)
    first = min(int(top), n_rows - 1)
    strip = mask[first : max(math.ceil(bottom), first + 1)]
    rows = np.arange(first, first + len(strip))
    height = np.clip(np.minimum(rows + 1, bottom) - np.maximum(rows, top), 0.0, 1.0)
    covered = np.zeros(n_columns + 1)
    for weight, line in zip(height, strip, strict=True):
        covered[1:] += weight * line
    covered = np.cumsum(covered)
    edges = np.arange(n_columns + 1)
    rights = np.minimum(lefts + width, n_columns)
    area = np.interp(rights, edges, covered) - np.interp(lefts, edges, covered)
    spanned = height.sum() * np.maximum(rights - lefts, 0.0)
    fraction: FloatArray = np.clip(area / np.maximum(spanned, 1e-12), 0.0, 1.0)
    return fraction


def _corners(side_px: int, spec: TileSpec) -> npt.NDArray[np.int64]:
    """Return the upper left corners along one side, level-0 pixels ``[n]``; steps do not drift."""
    step_px = spec.tile_um / spec.mpp
    corners = np.rint(np.arange(int(side_px / step_px) + 1) * step_px).astype(np.int64)
    inside: npt.NDArray[np.int64] = corners[corners + spec.tile_px_level0 <= side_px]
    return inside
