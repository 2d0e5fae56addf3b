"""The colour of the empty glass, so that a yellowish or grey scan is read like a white one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float32Array = npt.NDArray[np.float32]

_MIN_BRIGHTNESS = 0.6
_BAND = 0.06
_PAPER_WHITE = 0.995
_MIN_FRACTION = 0.01
# stain is pink (least green) or brown and cannot be told from a strong cast; blue glass can
_MAX_PINKNESS = 0.04
_MAX_CAST = 0.16
_MAX_BLUE_CAST = 0.25
_FLAT = 0.02


def relative_to_glass(rgb: Float32Array) -> Float32Array:
    """Return transmitted light, as a fraction of what empty glass lets through.

    Glass is the median colour of what is brightest and flat. Pure white does not count, because
    scanners fill with it what they did not scan. Where nothing looks like glass (a field that is
    all tissue), light is a fraction of full white.

    Args:
        rgb: float32 ``[3, height, width]``, 0 to 1.

    Returns:
        float32 ``[3, height, width]``, 0 to 1.
    """
    light: Float32Array = np.minimum(rgb / _glass_colour(rgb)[:, None, None], np.float32(1.0))
    return light


def _glass_colour(rgb: Float32Array) -> Float32Array:
    white = np.ones(3, np.float32)
    brightness = rgb.mean(axis=0)
    bright = (brightness > _MIN_BRIGHTNESS) & (rgb.min(axis=0) < _PAPER_WHITE) & _flat(brightness)
    if bright.sum() < max(1.0, _MIN_FRACTION * brightness.size):
        return white
    highest = np.quantile(brightness[bright], 0.99)
    glass: Float32Array = np.median(rgb[:, bright & (brightness > highest - _BAND)], axis=1)
    return glass if _may_be_glass(glass) else white


def _flat(brightness: Float32Array) -> npt.NDArray[np.bool_]:
    """Tell pixels whose neighbours to the right and below are nearly as bright."""
    flat = np.ones(brightness.shape, dtype=bool)
    flat[:, :-1] &= np.abs(np.diff(brightness, axis=1)) < _FLAT
    flat[:-1] &= np.abs(np.diff(brightness, axis=0)) < _FLAT
    return flat


def _may_be_glass(colour: Float32Array) -> bool:
    red, green, blue = (float(channel) for channel in colour)
    cast = max(red, green, blue) - min(red, green, blue)
    is_blue = blue >= green >= red
    pinkness = min(red, blue) - green
    return pinkness <= _MAX_PINKNESS and cast <= (_MAX_BLUE_CAST if is_blue else _MAX_CAST)
