"""Physical resolution of a slide: from which tag it comes and whether it can be true."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shazam.errors import ImplausibleResolutionError, NoResolutionError

MIN_MPP = 0.05
MAX_MPP = 5.0
MAX_ANISOTROPY = 0.05
ASSUMED = "assumed"

_ADVICE = "if you know the value, give it with --assume-mpp"
_UM_PER_UNIT = {"centimeter": 10_000.0, "inch": 25_400.0}


@dataclass(frozen=True, slots=True)
class SlideProperties:
    """What a slide says of itself.

    ``level_dims_px`` is (width, height) of each level, level 0 first; ``mpp`` is micrometres per
    pixel at level 0, ``mpp_origin`` the tag it was read from or ``assumed``.
    """

    format: str
    width_px: int
    height_px: int
    level_dims_px: tuple[tuple[int, int], ...]
    level_downsamples: tuple[float, ...]
    mpp: float
    mpp_origin: str
    objective_power: float | None


def resolve_mpp(tags: Mapping[str, str], *, assume_mpp: float | None) -> tuple[float, str]:
    """Return micrometres per pixel at level 0 and their origin.

    The first tag that holds a plausible number wins; ``assume_mpp`` serves only slides that have
    none. (Image editors write 72 dots per inch, 353 micrometres, when they know nothing.)

    Args:
        tags: OpenSlide's properties.
        assume_mpp: the user's value for slides without one, micrometres per pixel.

    Raises:
        NoResolutionError: no tag holds a resolution and none is assumed.
        ImplausibleResolutionError: outside 0.05 to 5 micrometres per pixel, or not square.
    """
    implausible = None
    for origin, x_mpp, y_mpp in _candidates(tags):
        fault = _fault(x_mpp, y_mpp, origin)
        if fault is None:
            return (x_mpp + y_mpp) / 2, origin
        implausible = implausible or fault
    if assume_mpp is not None:
        return assume_mpp, ASSUMED
    if implausible is not None:
        raise ImplausibleResolutionError(f"{implausible}; {_ADVICE}")
    raise NoResolutionError(f"no tag says micrometres per pixel; {_ADVICE}")


def objective_power(tags: Mapping[str, str]) -> float | None:
    """Return the objective's magnification where the slide says one."""
    return _number(tags.get("openslide.objective-power"))


def _candidates(tags: Mapping[str, str]) -> Iterator[tuple[str, float, float]]:
    pairs = (
        ("openslide.mpp", "openslide.mpp-x", "openslide.mpp-y"),
        ("aperio.MPP", "aperio.MPP", "aperio.MPP"),
    )
    for origin, x_tag, y_tag in pairs:
        x_mpp, y_mpp = _number(tags.get(x_tag)), _number(tags.get(y_tag))
        if x_mpp is not None and y_mpp is not None:
            yield origin, x_mpp, y_mpp
    um_per_unit = _UM_PER_UNIT.get(tags.get("tiff.ResolutionUnit", ""))
    x_per_unit = _number(tags.get("tiff.XResolution"))
    y_per_unit = _number(tags.get("tiff.YResolution"))
    if um_per_unit and x_per_unit and y_per_unit:
        yield "tiff.XResolution", um_per_unit / x_per_unit, um_per_unit / y_per_unit


def _fault(x_mpp: float, y_mpp: float, origin: str) -> str | None:
    mpp = (x_mpp + y_mpp) / 2
    if not MIN_MPP <= mpp <= MAX_MPP:
        return (
            f"{origin} says {mpp:.6g} micrometres per pixel, a scanner gives {MIN_MPP} to {MAX_MPP}"
        )
    if abs(x_mpp - y_mpp) > MAX_ANISOTROPY * mpp:
        return f"{origin} says {x_mpp:.6g} x {y_mpp:.6g} micrometres, pixels are not square"
    return None


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 < value < float("inf") else None
