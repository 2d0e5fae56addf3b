"""Where a slide holds tissue, from an overview of about 8 micrometres per pixel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter
from skimage.filters import threshold_otsu
from skimage.morphology import closing, remove_small_holes, remove_small_objects

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
RgbArray = npt.NDArray[np.uint8]

# Otsu alone splits the noise of an empty slide, and the tissue of a slide without background;
# these bounds on chroma (max - min of the channels, 0 to 1) hold it between glass and faint stain.
_MIN_CHROMA = 0.05
_MAX_CHROMA = 0.10
_MIN_OBJECT_PX = 32
_MAX_HOLE_PX = 64

_CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)

_BLACK = 0.2
_BRIGHT = 0.4
_NOISE = 0.06


def tissue_mask(rgb: RgbArray) -> BoolArray:
    """Find tissue: coloured pixels that are neither pen nor black.

    Chroma is thresholded by Otsu (IEEE Trans. SMC 9, 1979) within bounds, then small gaps are
    closed, and small objects and holes removed.

    Args:
        rgb: overview, uint8 ``[height, width, 3]``, about 8 micrometres per pixel.

    Returns:
        bool ``[height, width]``.
    """
    smooth = gaussian_filter(rgb.astype(np.float64) / 255.0, sigma=(1.0, 1.0, 0.0))
    chroma = smooth.max(axis=-1) - smooth.min(axis=-1)
    foreign = pen_mask(smooth) | (smooth.max(axis=-1) < _BLACK)
    mask = (chroma > _threshold(chroma[~foreign])) & ~foreign
    mask = closing(mask, _CROSS) & ~foreign
    mask = remove_small_objects(mask, max_size=_MIN_OBJECT_PX)
    filled: BoolArray = remove_small_holes(mask, max_size=_MAX_HOLE_PX) & ~foreign
    return filled


def pen_mask(smooth: FloatArray) -> BoolArray:
    """Find green, blue and red pen: colours that haematoxylin, eosin and DAB do not give.

    Green and blue ink has more green than red; red ink has almost nothing but red.

    Args:
        smooth: float ``[height, width, 3]``, 0 to 1.

    Returns:
        bool ``[height, width]``.
    """
    red, green, blue = np.moveaxis(smooth, -1, 0)
    cold = (green > red + 0.04) & (np.maximum(green, blue) > red + 0.06)
    red_ink = (red > 0.45) & (np.maximum(green, blue) < 0.22 * red)
    ink: BoolArray = cold | red_ink
    return ink


def is_brightfield(rgb: RgbArray) -> bool:
    """Tell a stained section (light passes, glass is white) from fluorescence (glass is black).

    Black margins do not count: what is lit must mostly be bright.

    Args:
        rgb: overview, uint8 ``[height, width, 3]``.
    """
    value = rgb.max(axis=-1) / 255.0
    n_bright = int((value >= _BRIGHT).sum())
    n_dim = int(((value > _NOISE) & (value < _BRIGHT)).sum())
    return n_bright >= n_dim and n_bright >= 0.02 * value.size


def _threshold(chroma: FloatArray) -> float:
    # whole steps, so that the noise of floating point is no contrast to be split
    steps = np.rint(chroma * 255.0).astype(np.uint8)
    if steps.size == 0 or steps.min() == steps.max():
        return _MIN_CHROMA
    otsu = float(threshold_otsu(steps)) / 255.0  # type: ignore[no-untyped-call]
    return float(np.clip(otsu, _MIN_CHROMA, _MAX_CHROMA))
