"""What the OME-XML of a TIFF's description says: micrometres per pixel and the objective."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

DESCRIPTION_TAGS = ("tiff.ImageDescription", "openslide.comment")

_PIXELS = re.compile(r"<(?:\w+:)?Pixels\b([^>]*)>")
_OBJECTIVE = re.compile(r"<(?:\w+:)?Objective\b([^>]*)>")
_ATTRIBUTE = re.compile(r"""([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_UM_PER_UNIT = {
    **dict.fromkeys(("µm", "\N{GREEK SMALL LETTER MU}m", "um", "micron", "microns"), 1.0),
    "nm": 1e-3,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "Å": 1e-4,
    "in": 25_400.0,
}


def ome_mpp(tags: Mapping[str, str]) -> tuple[str, str, float] | None:
    """Return (x, y, micrometres per unit) of the first image of an OME description.

    The unit is micrometres where none is named. Both are texts as written; a unit without a
    length, such as ``pixel``, gives None.
    """
    values = _first(tags, _PIXELS)
    if "PhysicalSizeX" not in values or "PhysicalSizeY" not in values:
        return None
    unit = values.get("PhysicalSizeXUnit", "µm")
    if unit != values.get("PhysicalSizeYUnit", "µm") or unit not in _UM_PER_UNIT:
        return None
    return values["PhysicalSizeX"], values["PhysicalSizeY"], _UM_PER_UNIT[unit]


def ome_magnification(tags: Mapping[str, str]) -> str | None:
    """Return the nominal magnification of an OME description's first objective, as written."""
    return _first(tags, _OBJECTIVE).get("NominalMagnification")


def _first(tags: Mapping[str, str], element: re.Pattern[str]) -> dict[str, str]:
    for tag in DESCRIPTION_TAGS:
        found = element.search(tags.get(tag, ""))
        if found:
            attributes = _ATTRIBUTE.findall(found.group(1))
            return {name: unescape(double or single) for name, double, single in attributes}
    return {}
