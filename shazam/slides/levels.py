"""Which pictures of a file are levels of its slide."""

from __future__ import annotations

from collections.abc import Sequence

_TOLERANCE = 0.05
_ROUNDING_PX = 1.5


def levels_of_one_shape(dims_px: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Return the numbers of the levels that have the shape of level 0.

    A TIFF may hold other pictures, such as one of the whole glass, that look like levels. Read as
    one, such a picture would put tissue where none is.

    Args:
        dims_px: (width, height) of each level, level 0 first.
    """
    return tuple(level for level, dims in enumerate(dims_px) if _fits(dims, dims_px[0]))


def _fits(dims_px: tuple[int, int], finest_px: tuple[int, int]) -> bool:
    (width, height), (width_level0, height_level0) = dims_px, finest_px
    return _near(height, width * height_level0 / width_level0) or _near(
        width, height * width_level0 / height_level0
    )


def _near(side_px: int, expected_px: float) -> bool:
    return abs(side_px - expected_px) <= max(_ROUNDING_PX, _TOLERANCE * side_px)
