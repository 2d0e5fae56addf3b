"""Levels of features as they are stored: which ones, of which type, and what they must not hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from shazam.config.imports import StoredDtype
from shazam.errors import FeatureError

LEVELS: tuple[str, ...] = ("low", "mid", "high")

Float16Array = npt.NDArray[np.float16]
StoredArray = npt.NDArray[np.float16] | npt.NDArray[np.float32]
Levels = Mapping[str, npt.NDArray[np.floating]]


def to_half(levels: Levels) -> dict[str, Float16Array]:
    """Return levels as float16; what it cannot hold becomes infinite, and is refused on writing."""
    with np.errstate(over="ignore"):
        return {level: array.astype(np.float16) for level, array in levels.items()}


def is_bad(array: npt.NDArray[np.floating], *, allow_nan: bool) -> npt.NDArray[np.bool_]:
    """Return where an array holds what it must not: infinities, and NaN unless it is allowed."""
    bad: npt.NDArray[np.bool_] = np.isinf(array) if allow_nan else ~np.isfinite(array)
    return bad


def as_stored(
    levels: Levels,
    *,
    expected: Sequence[str] = LEVELS,
    dtype: StoredDtype = StoredDtype.FLOAT16,
    allow_nan: bool = False,
) -> dict[str, StoredArray]:
    """Return the levels as they are stored, in the order low, mid, high.

    Args:
        levels: features by level name, float ``[n_tiles, dim]``.
        expected: the levels that the teacher gives.
        dtype: how they are stored.
        allow_nan: whether NaN may stand among them.

    Raises:
        FeatureError: levels are not the expected ones, or one is empty or not finite as stored.
    """
    for level in expected:
        if level not in levels:
            raise FeatureError(f"level {level} is missing; the teacher gives {', '.join(expected)}")
    other = [level for level in levels if level not in expected or level not in LEVELS]
    if other or not levels:
        raise FeatureError(f"the teacher gives {list(expected)}, not {list(levels)}")
    return {
        level: _stored(levels[level], level, dtype=dtype, allow_nan=allow_nan)
        for level in LEVELS
        if level in levels
    }


def _stored(
    array: npt.NDArray[np.floating], level: str, *, dtype: StoredDtype, allow_nan: bool
) -> StoredArray:
    if array.ndim != 2 or array.size == 0:
        raise FeatureError(f"level {level} has shape {list(array.shape)}, expected [n_tiles, dim]")
    with np.errstate(over="ignore"):
        stored: StoredArray = array.astype(dtype.value)
    bad_tiles = int(is_bad(stored, allow_nan=allow_nan).any(axis=1).sum())
    if bad_tiles:
        raise FeatureError(
            f"level {level}: {bad_tiles} of {len(array)} tiles have NaN, Inf or values beyond "
            f"{dtype} ({_what_is_bad(array, stored, dtype=dtype, allow_nan=allow_nan)})"
        )
    return stored


def _what_is_bad(
    array: npt.NDArray[np.floating], stored: StoredArray, *, dtype: StoredDtype, allow_nan: bool
) -> str:
    n_nan, n_inf = int(np.isnan(array).sum()), int(np.isinf(array).sum())
    n_beyond = int(np.isinf(stored).sum()) - n_inf
    parts = [f"{n_nan} NaN, {n_inf} Inf, {n_beyond} beyond"]
    if n_nan and not allow_nan:
        parts.append(f"NaN in {int(np.isnan(array).any(axis=0).sum())} columns")
        parts.append("missing_values: impute lets training fill it in")
    if n_beyond and dtype is StoredDtype.FLOAT16:
        parts.append("dtype: float32 holds values beyond 65504")
    return "; ".join(parts)
