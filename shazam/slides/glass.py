"""The colour of the empty glass, so that a yellowish or grey scan is read like a white one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_MIN_BRIGHTNESS = 0.6
_BAND = 0.06
_PAPER_WHITE = 0.995
_MIN_FRACTION = 0.01
# stain is pink (least green) or brown and cannot be told from a strong cast; blue glass can
_MAX_PINKNESS = 0.04
_MAX_CAST = 0.16
_MAX_BLUE_CAST = 0.25
_FLAT = 0.02


def relative_to_glass(rgb: FloatArray) -> FloatArray:
    """Return transmitted light, as a fraction of what empty glass lets through.

    Glass is the median colour of what is brightest and flat. Pure white does not count, because
    scanners fill with it what they did not scan. Where nothing looks like glass (a field that is
    all tissue), light is a fraction of full white.

    Args:
        rgb: float ``[height, width, 3]``, 0 to 1.

    Returns:
        float ``[height, width, 3]``, 0 to 1.
    """
    light: FloatArray = np.clip(rgb / _glass_colour(rgb), 0.0, 1.0)
    return light


def _glass_colour(rgb: FloatArray) -> FloatArray:
    white = np.ones(3)
    brightness = rgb.mean(axis=-1)
    scanned = (rgb.min(axis=-1) < _PAPER_WHITE) & _flat(brightness)
    bright = scanned & (brightness > _MIN_BRIGHTNESS)
    if bright.sum() < max(1.0, _MIN_FRACTION * brightness.size):
        return white
    highest = np.quantile(brightness[bright], 0.99)
    glass: FloatArray = np.median(rgb[bright & (brightness > highest - _BAND)], axis=0)
    return glass if _may_be_glass(glass) else white


def _flat(brightness: FloatArray) -> npt.NDArray[np.bool_]:
    """Tell pixels whose neighbours to the right and below are nearly as bright."""
    right = np.abs(np.diff(brightness, axis=1, append=brightness[:, -1:]))
    below = np.abs(np.diff(brightness, axis=0, append=brightness[-1:]))
    flat: npt.NDArray[np.bool_] = np.maximum(right, below) < _FLAT
    return flat


def _may_be_glass(colour: FloatArray) -> bool:
    red, green, blue = (float(channel) for channel in colour)
    cast = max(red, green, blue) - min(red, green, blue)
    is_blue = blue >= green >= red
    pinkness = min(red, blue) - green
    return pinkness <= _MAX_PINKNESS and cast <= (_MAX_BLUE_CAST if is_blue else _MAX_CAST)
