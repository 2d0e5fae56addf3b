"""What a file may leave open about its arrays."""

from __future__ import annotations

from enum import StrEnum


class Layout(StrEnum):
    """What two tensors side by side are: two levels, or features and the labels of tiles."""

    LEVELS = "levels"
    LABELLED = "labelled"


class CoordsUnit(StrEnum):
    """Unit of coordinates: pixels at level 0 of the slide, or micrometres."""

    PX_LEVEL0 = "px_level0"
    UM = "um"
