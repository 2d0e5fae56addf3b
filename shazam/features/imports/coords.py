"""Coordinates in level-0 pixels, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from shazam.errors import FeatureError
from shazam.features.imports.arrays import COORDS, as_int32, check_transposed
from shazam.features.imports.bag import FloatArray
from shazam.features.imports.layouts import CoordsUnit
from shazam.features.store import Int32Array

NO_UNIT = "their unit is not stated; name it with --coords-unit px_level0 or um"
NO_MPP = "they are micrometres and the file gives no mpp; name it with --mpp"


def place(
    coords: npt.NDArray[Any],
    levels: Mapping[str, FloatArray],
    *,
    unit: CoordsUnit | None,
    mpp: float | None,
) -> tuple[Int32Array | None, str | None]:
    """Return coordinates as int32 ``[n_tiles, 2]`` at level 0, or None and why there are none.

    Args:
        coords: (x, y) of the tiles, ``[n_tiles, 2]`` or ``[1, n_tiles, 2]``.
        levels: the features that they belong to.
        unit: what they are given in; None if nobody says.
        mpp: micrometres per pixel at level 0; None if nobody says.

    Raises:
        FeatureError: they do not fit the features, are not finite, or not whole pixels.
    """
    flat = _as_pairs(coords)
    check_transposed(levels, n_rows=len(flat), of="coordinates")
    match unit:
        case None:
            return None, NO_UNIT
        case CoordsUnit.UM if mpp is None:
            return None, NO_MPP
        case CoordsUnit.UM:
            return as_int32(np.rint(flat / mpp), COORDS), None
        case CoordsUnit.PX_LEVEL0:
            if (flat != np.rint(flat)).any():
                raise FeatureError(
                    "the coordinates are not whole pixels; are they micrometres? Then give "
                    "--coords-unit um"
                )
            return as_int32(flat, COORDS), None


def _as_pairs(coords: npt.NDArray[Any]) -> npt.NDArray[Any]:
    shape = list(coords.shape)
    if coords.ndim == 3 and len(coords) == 1:
        coords = coords[0]
    if coords.ndim != 2 or coords.shape[1] != 2:
        raise FeatureError(f"the coordinates have shape {shape}, expected [n_tiles, 2]")
    if coords.dtype.kind not in "iuf":
        raise FeatureError(f"the coordinates hold {coords.dtype}, not numbers")
    if coords.dtype.kind == "f" and not np.isfinite(coords).all():
        raise FeatureError("the coordinates hold NaN or Inf")
    return coords
