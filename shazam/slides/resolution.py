"""Physical resolution of a slide: from which tag it comes and whether it can be true."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shazam.errors import ImplausibleResolutionError, NoResolutionError
from shazam.slides.ome import ome_magnification, ome_mpp

MIN_MPP = 0.05
MAX_MPP = 5.0
MAX_ANISOTROPY = 0.05
ASSUMED = "assumed"

_ADVICE = "if you know the value, give it with --assume-mpp"
_UM_PER_UNIT = {"centimeter": 10_000.0, "inch": 25_400.0}
_DICOM_SPACING = "dicom.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing"
_MIRAX_LEVEL = "mirax.LAYER_0_LEVEL_0_SECTION.MICROMETER_PER_PIXEL"
# (tag of x, tag of y, micrometres per unit); OpenSlide's own value is made of these where it can
_MPP_TAGS = (
    ("openslide.mpp-x", "openslide.mpp-y", 1.0),
    ("aperio.MPP", "aperio.MPP", 1.0),
    ("ventana.ScanRes", "ventana.ScanRes", 1.0),
    (f"{_MIRAX_LEVEL}_X", f"{_MIRAX_LEVEL}_Y", 1.0),
    (f"{_DICOM_SPACING}[1]", f"{_DICOM_SPACING}[0]", 1e3),
    ("dicom.PixelSpacing[1]", "dicom.PixelSpacing[0]", 1e3),
    ("zeiss.Scaling.Items.X.Value", "zeiss.Scaling.Items.Y.Value", 1e6),
)
_PHILIPS_SPACING = "philips.DICOM_PIXEL_SPACING"
_OBJECTIVE_TAGS = (
    "openslide.objective-power",
    "aperio.AppMag",
    "hamamatsu.SourceLens",
    "leica.objective",
    "mirax.GENERAL.OBJECTIVE_MAGNIFICATION",
    "ventana.Magnification",
    "trestle.Objective Power",
    "sakura.NominalLensMagnification",
    "dicom.OpticalPathSequence[0].ObjectiveLensPower",
)
_ZEISS_OBJECTIVE = re.compile(
    r"zeiss\.Information\.Instrument\.Objectives\..+\.NominalMagnification"
)


@dataclass(frozen=True, slots=True)
class SlideProperties:
    """What a slide says of itself.

    ``size_bytes`` and ``sha256`` cover all files of the slide. ``level_dims_px`` is (width,
    height) of each level, level 0 first; ``mpp`` is micrometres per pixel at level 0,
    ``mpp_origin`` the tag it was read from or ``assumed``. ``objective_power`` is the objective's
    magnification and ``objective_power_origin`` its tag, both None where no tag says it.
    """

    format: str
    size_bytes: int
    sha256: str
    width_px: int
    height_px: int
    level_dims_px: tuple[tuple[int, int], ...]
    level_downsamples: tuple[float, ...]
    mpp: float
    mpp_origin: str
    objective_power: float | None
    objective_power_origin: str | None


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


def resolve_objective(tags: Mapping[str, str]) -> tuple[float, str] | tuple[None, None]:
    """Return the objective's magnification and the tag it was read from; None where none says it.

    Args:
        tags: OpenSlide's properties.
    """
    zeiss = sorted(tag for tag in tags if _ZEISS_OBJECTIVE.fullmatch(tag))
    for tag in (*_OBJECTIVE_TAGS, *zeiss[:1]):
        power = _number(tags.get(tag, "").rstrip("xX "))
        if power is not None:
            return power, tag
    power = _number(ome_magnification(tags))
    return (None, None) if power is None else (power, "ome.NominalMagnification")


def _candidates(tags: Mapping[str, str]) -> Iterator[tuple[str, float, float]]:
    """Yield (origin, x, y) in micrometres: what was written on purpose before what was derived."""
    ome = ome_mpp(tags)
    if ome is not None:
        yield from _scaled("ome.PhysicalSizeX", ome[0], ome[1], um_per_unit=ome[2])
    for x_tag, y_tag, um_per_unit in _MPP_TAGS:
        origin = x_tag.removesuffix("-x")
        yield from _scaled(origin, tags.get(x_tag), tags.get(y_tag), um_per_unit=um_per_unit)
    spacing = re.findall(r"[0-9.eE+-]+", tags.get(_PHILIPS_SPACING, ""))
    if len(spacing) == 2:
        yield from _scaled(_PHILIPS_SPACING, spacing[1], spacing[0], um_per_unit=1e3)
    um_per_unit = _UM_PER_UNIT.get(tags.get("tiff.ResolutionUnit", ""), 0.0)
    x_per_unit = _number(tags.get("tiff.XResolution"))
    y_per_unit = _number(tags.get("tiff.YResolution"))
    if um_per_unit and x_per_unit and y_per_unit:
        yield "tiff.XResolution", um_per_unit / x_per_unit, um_per_unit / y_per_unit


def _scaled(
    origin: str, x_text: str | None, y_text: str | None, *, um_per_unit: float
) -> Iterator[tuple[str, float, float]]:
    x, y = _number(x_text), _number(y_text)
    if x is not None and y is not None:
        yield origin, x * um_per_unit, y * um_per_unit


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
        value = float(text.replace(",", ".", 1)) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 < value < float("inf") else None
