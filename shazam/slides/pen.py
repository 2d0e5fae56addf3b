"""Where ink lies: green, blue, red and black pen, from its core outwards to its pale edge."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_propagation
from skimage.morphology import remove_small_objects
from skimage.segmentation import clear_border

from shazam.slides.morphology import closed, dilated, opened

BoolArray = npt.NDArray[np.bool_]
Float32Array = npt.NDArray[np.float32]

_DARKEST = 0.004
_MIN_CORE_UM2 = 1000.0
_GAP_UM = 16.0
_MAX_STAIN_REDNESS = 0.42
_MAX_DARKNESS = 0.45


def pen_mask(light: Float32Array, *, um_per_px: float) -> BoolArray:
    """Find ink by its optical density in red, green and blue (R, G, B).

    A stroke has a core of a colour that no stain gives. From there it is followed as far as the
    colour could be thinner ink, ink over tissue included. Without a core there is no pen, so
    blood, eosin and blue nuclei are left alone although they look like thin ink.

    - Green and blue ink take more red than green: R / G is 1.1 to 2.5, of haematoxylin (blue
      counterstains too) at most 1.
    - Red ink takes all but red: (B - R) / G is 0.4 to 1, of eosin and blood at most 0.5, and
      its core is brighter in red than blood is.
    - Black ink takes all alike. One ink over another is nearly black.

    Args:
        light: transmitted light, float32 ``[3, height, width]``, 0 to 1.
        um_per_px: micrometres per pixel.

    Returns:
        bool ``[height, width]``.
    """
    density = -np.log(np.maximum(light, np.float32(_DARKEST)))
    min_px = round(_MIN_CORE_UM2 / um_per_px**2)
    ink = np.zeros(light.shape[1:], dtype=bool)
    dark = light.max(axis=0) < _usual_darkness(light, density)
    for core, thin in (_cold(light, density), _red(light, density), _black(light, dark)):
        ink |= _followed(_solid(core, min_px), core | thin)
    if not ink.any():
        return ink
    # one ink over another
    ink = _followed(ink, ink | (dark & (light[0] > light[2])))
    return closed(dilated(ink, steps=1), steps=round(_GAP_UM / um_per_px))


def _cold(light: Float32Array, density: Float32Array) -> tuple[BoolArray, BoolArray]:
    red, green, blue = light
    red_density, green_density, blue_density = density
    cold = np.maximum(green, blue) - red
    # a nucleus under bluish light takes next to no blue, and is neither as dark nor as pure as ink
    pure = (blue_density > 0.2 * green_density) | (red_density > 1.8 * green_density)
    cyan = (red_density > 1.35 * green_density) & (red_density > 0.3) & (cold > 0.08)
    dark_blue = (blue - red > 0.3) & (red < 0.2) & (green > red - 0.02) & (blue < 0.9)
    core = (cyan & (pure | (red < 0.12))) | dark_blue
    coldness = red_density / np.maximum(green_density, 0.05)
    usual = _usual(coldness[green_density > 0.1], least=1.0, most=1.3)
    thin = ((coldness > usual) & (cold > 0.03)) | dark_blue
    return core, thin


def _red(light: Float32Array, density: Float32Array) -> tuple[BoolArray, BoolArray]:
    red, green, blue = light
    red_density, green_density, blue_density = density
    core = (red > 0.62) & (np.maximum(green, blue) < (0.18 + 0.5 * (red - 0.65)) * red)
    not_brown = red_density < 0.45 * green_density
    redness = (blue_density - red_density) / np.maximum(green_density, 0.05)
    thin = (redness > _MAX_STAIN_REDNESS) & (green_density > 0.03) & not_brown
    usual = _usual(redness[green_density > 0.1], least=0.28, most=_MAX_STAIN_REDNESS)
    over_tissue = (redness > usual) & (green_density > 0.8) & not_brown
    return core, thin | over_tissue


def _black(light: Float32Array, dark: BoolArray) -> tuple[BoolArray, BoolArray]:
    red, _, blue = light
    value = light.max(axis=0)
    chroma = value - light.min(axis=0)
    core = (value < 0.2) & (chroma < 0.09)
    over_eosin = (chroma < 0.6 * value) & (red > blue)
    thin = (value < 0.2) | (dark & ((chroma < 0.4 * value) | over_eosin))
    inner: BoolArray = clear_border(core)  # type: ignore[no-untyped-call]
    return inner, thin


def _usual_darkness(light: Float32Array, density: Float32Array) -> float:
    """Return the brightness below which this slide's stain is rarely found.

    In a slide that is stained darkly a black fold must not be followed over all of it.
    """
    value = light.max(axis=0)
    stained = value[(density[1] > 0.1) & (value > 0.2)]
    usual = float(np.median(stained)) if stained.size else 1.0
    return min(_MAX_DARKNESS, 0.65 * usual)


def _usual(stained: Float32Array, *, least: float, most: float) -> float:
    """Return what the stain of this slide hardly exceeds: median and 4 deviations, within limits.

    The deviation is taken below the median, where no ink adds to it.
    """
    if stained.size == 0:
        return most
    quartile, median = (float(value) for value in np.quantile(stained, [0.25, 0.5]))
    return float(np.clip(median + 4 * (median - quartile), least, most))


def _solid(core: BoolArray, min_px: int) -> BoolArray:
    """Leave out single nuclei and specks."""
    solid: BoolArray = remove_small_objects(opened(core), max_size=min_px)
    return solid


def _followed(core: BoolArray, thin: BoolArray) -> BoolArray:
    reached: BoolArray = binary_propagation(core, mask=thin) if core.any() else core
    return reached
