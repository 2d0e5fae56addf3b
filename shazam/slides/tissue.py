"""Where a slide holds tissue, from an overview of about 8 micrometres per pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter
from skimage.filters import threshold_otsu
from skimage.morphology import remove_small_holes, remove_small_objects

from shazam.slides.glass import relative_to_glass
from shazam.slides.morphology import closed
from shazam.slides.pen import pen_mask

BoolArray = npt.NDArray[np.bool_]
Float32Array = npt.NDArray[np.float32]
RgbArray = npt.NDArray[np.uint8]

# Otsu alone splits the noise of an empty slide, and the tissue of a slide without background;
# these bounds on chroma (max - min of the channels, 0 to 1) hold it between glass and faint stain.
_MIN_CHROMA = 0.05
_MAX_CHROMA = 0.10
_MIN_OBJECT_UM2 = 2048.0
_MAX_HOLE_UM2 = 4096.0

_BLACK = 0.2
_BLACK_CHROMA = 0.09
_BRIGHT = 0.4
_NOISE = 0.06


@dataclass(frozen=True, slots=True)
class Ground:
    """What an overview shows: ``tissue`` and ``pen``, bool ``[height, width]``, never both."""

    tissue: BoolArray
    pen: BoolArray


def find_ground(rgb: RgbArray, *, um_per_px: float = 8.0) -> Ground:
    """Find tissue (coloured pixels that are neither ink nor black) and pen.

    Colours are taken relative to the glass. Chroma is thresholded by Otsu (IEEE Trans. SMC 9,
    1979) within bounds but above the noise, then small gaps are closed, and small objects and
    holes removed.

    Args:
        rgb: overview, uint8 ``[height, width, 3]``.
        um_per_px: micrometres per pixel of the overview; areas below 2048 square micrometres
            are dust, holes below 4096 belong to the tissue.
    """
    light = relative_to_glass(_smooth(rgb))
    pen = pen_mask(light, um_per_px=um_per_px)
    value = light.max(axis=0)
    chroma = value - light.min(axis=0)
    foreign = pen | ((value < _BLACK) & (chroma < _BLACK_CHROMA))
    least = max(_threshold(chroma[~foreign]), _noise_chroma(rgb))
    mask = (chroma > least) & ~foreign
    mask = closed(mask, steps=1) & ~foreign
    mask = remove_small_objects(mask, max_size=round(_MIN_OBJECT_UM2 / um_per_px**2))
    filled = remove_small_holes(mask, max_size=round(_MAX_HOLE_UM2 / um_per_px**2))
    return Ground(tissue=filled & ~foreign, pen=pen)


def tissue_mask(rgb: RgbArray, *, um_per_px: float = 8.0) -> BoolArray:
    """Return where tissue is, bool ``[height, width]``; see ``find_ground``."""
    return find_ground(rgb, um_per_px=um_per_px).tissue


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


def _smooth(rgb: RgbArray) -> Float32Array:
    """Return the channels one after the other, float32 ``[3, height, width]``, 0 to 1."""
    smooth = np.empty((3, *rgb.shape[:2]), np.float32)
    for channel, plane in enumerate(smooth):
        gaussian_filter(rgb[..., channel].astype(np.float32) / 255.0, sigma=1.0, output=plane)
    return smooth


def _noise_chroma(rgb: RgbArray) -> float:
    """Return the chroma that colour noise alone rarely exceeds after smoothing.

    Noise is measured as the spread of red - green between neighbours (their median difference is
    0.95 standard deviations). Smoothing by 1 pixel leaves 0.28 of it, and the range of three
    channels exceeds its mean by 4 deviations at 1.1 times the spread. Texture that spans pixels
    hardly counts.
    """
    contrast = rgb[..., 0].astype(np.int16) - rgb[..., 1]
    steps = np.abs(np.diff(contrast, axis=1))
    spread = float(np.median(steps)) / 0.95 / 255.0 if steps.size else 0.0
    return 1.1 * spread


def _threshold(chroma: Float32Array) -> float:
    # whole steps, so that the noise of floating point is no contrast to be split
    steps = np.rint(chroma * 255.0).astype(np.uint8)
    if steps.size == 0 or steps.min() == steps.max():
        return _MIN_CHROMA
    otsu = float(threshold_otsu(steps)) / 255.0  # type: ignore[no-untyped-call]
    return float(np.clip(otsu, _MIN_CHROMA, _MAX_CHROMA))
