"""How sharp a tile is, as the teacher would see it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import laplace

RgbArray = npt.NDArray[np.uint8]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def sharpness(rgb: RgbArray) -> float:
    """Return the variance of the Laplacian of the luma (0 to 255), 4 neighbours.

    It depends on the physical size of a pixel and on noise (noise of s grey levels adds 20 s^2).
    Measured at 0.5 micrometres per pixel on 352 tissue tiles of 31 slides: 114 to 3733, the
    median of a scanner 551 to 1791; plain stroma and fat are lowest. The same tiles blurred by a
    Gaussian of 1 pixel: 19 to 389, of 2 pixels: 4 to 50, of 4 pixels: at most 5. A limit of 30
    keeps all of them as they are and drops 94 % of those blurred by 2 pixels (1 micrometre).

    Args:
        rgb: a tile, uint8 ``[height, width, 3]``.
    """
    luma = rgb.astype(np.float32) @ _LUMA
    return float(laplace(luma).var())
