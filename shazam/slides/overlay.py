"""A picture of a slide with the outline of its tissue and its tile grid."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy.ndimage import binary_dilation, binary_erosion

from shazam.slides.grid import TileGrid

RgbArray = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]

TISSUE_COLOUR = (0, 130, 60)
TILE_COLOUR = (20, 70, 200)
_TINT = 0.18
_LINE_PX = 6.0


def overlay(
    rgb: RgbArray, *, mask: BoolArray | None, grid: TileGrid | None, downsample: float
) -> RgbArray:
    """Draw the kept tiles and the outline of the tissue over an overview.

    Tiles are tinted and framed in blue; where they would be too small for a frame, only their
    common outline is drawn. The outline of the tissue is green.

    Args:
        rgb: overview, uint8 ``[height, width, 3]``.
        mask: tissue, bool ``[height, width]``; None draws no tissue.
        grid: the tiles; None draws none.
        downsample: level-0 pixels a pixel of the overview spans.

    Returns:
        uint8 ``[height, width, 3]``.
    """
    drawn = rgb.copy()
    if grid is not None and grid.n_tiles:
        drawn = _with_tiles(drawn, grid, downsample=downsample)
    if mask is not None:
        drawn[_outline(mask)] = TISSUE_COLOUR
    return drawn


def _with_tiles(rgb: RgbArray, grid: TileGrid, *, downsample: float) -> RgbArray:
    corners = grid.coords_level0 / downsample
    width = grid.spec.tile_px_level0 / downsample
    boxes = [(x, y, x + width - 1, y + width - 1) for x, y in corners.tolist()]
    covered = Image.new("1", (rgb.shape[1], rgb.shape[0]))
    cover = ImageDraw.Draw(covered)
    for x, y, right, bottom in boxes:
        cover.rectangle(
            (round(x), round(y), max(round(x), round(right)), max(round(y), round(bottom))), fill=1
        )
    inside = np.asarray(covered)
    tint = rgb[inside] * (1 - _TINT) + np.array(TILE_COLOUR) * _TINT
    drawn = rgb.copy()
    drawn[inside] = np.rint(tint).astype(np.uint8)
    if width < _LINE_PX:
        drawn[_outline(inside)] = TILE_COLOUR
        return drawn
    image = Image.fromarray(drawn)
    frames = ImageDraw.Draw(image)
    for x, y, right, bottom in boxes:
        frames.rectangle(
            (round(x), round(y), round(right + 1), round(bottom + 1)), outline=TILE_COLOUR
        )
    return np.array(image)


def _outline(mask: BoolArray) -> BoolArray:
    """Return the pixels of a mask that touch its outside, and of a thick mask one pixel more."""
    inner = binary_erosion(mask, iterations=1, border_value=0)
    outline: BoolArray = mask & ~inner
    if max(mask.shape) > 800:
        outline = binary_dilation(outline)
    return outline
