"""Opening and closing of masks; the edge of the picture neither adds nor takes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_dilation, binary_erosion

BoolArray = npt.NDArray[np.bool_]


def opened(mask: BoolArray) -> BoolArray:
    """Remove what is narrower than three pixels."""
    return dilated(_eroded(mask, steps=1), steps=1)


def closed(mask: BoolArray, *, steps: int) -> BoolArray:
    """Close gaps of up to twice as many pixels as steps."""
    return _eroded(dilated(mask, steps=steps), steps=steps)


def dilated(mask: BoolArray, *, steps: int) -> BoolArray:
    """Add a rim of so many pixels; none for 0 steps."""
    if steps < 1 or not mask.any():
        return mask
    grown: BoolArray = binary_dilation(mask, iterations=steps)
    return grown


def _eroded(mask: BoolArray, *, steps: int) -> BoolArray:
    if steps < 1 or not mask.any():
        return mask
    shrunk: BoolArray = binary_erosion(mask, iterations=steps, border_value=1)
    return shrunk
