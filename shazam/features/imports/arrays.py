"""Which arrays of a file hold the levels, and what an array must be to hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from shazam.errors import FeatureError, UnknownLayoutError
from shazam.features.imports.bag import FloatArray, ImportOptions
from shazam.features.store import Int32Array
from shazam.features.stored_levels import LEVELS

USUAL_NAMES = ("features", "feats")
COORDS = "coords"
LABELS = "labels"
MAX_BYTES = 1 << 34

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Found:
    """An array that a file holds, before it is read."""

    shape: tuple[int, ...]
    dtype: str
    size_bytes: int

    def __str__(self) -> str:
        return f"{self.dtype} {list(self.shape)}"


def choose_levels(found: Mapping[str, Found], *, options: ImportOptions) -> dict[str, str]:
    """Return the name of the array that holds each level.

    Raises:
        UnknownLayoutError: the file holds none of the names, or several that could be meant.
    """
    if options.datasets:
        absent = [name for name in options.datasets if name not in found]
        if absent:
            raise UnknownLayoutError(f"has no array {', '.join(absent)}; {listed(found)}")
        return dict(zip(options.levels or ("high",), options.datasets, strict=True))
    single = [name for name in USUAL_NAMES if name in found]
    several = [level for level in LEVELS if level in found]
    if len(single) == 1 and not several and len(options.levels) <= 1:
        return dict(zip(options.levels or ("high",), single, strict=True))
    if several and not single and set(options.levels) <= set(several):
        return {level: level for level in options.levels or several}
    raise UnknownLayoutError(
        f"it is not clear which array holds {', '.join(options.levels) or 'the features'}: "
        f"{listed(found)}; name it with --dataset NAME"
    )


def listed(found: Mapping[str, Found]) -> str:
    """Return what a file holds as text."""
    if not found:
        return "the file holds no arrays"
    shown = [f"'{name}' {array}" for name, array in sorted(found.items())[:_SHOWN]]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return f"the file holds {', '.join(shown)}{more}"


def check_size(name: str, array: Found) -> None:
    """Refuse an array that claims to be larger than any slide's.

    Raises:
        FeatureError: it is larger than 16 GiB.
    """
    if array.size_bytes > MAX_BYTES:
        raise FeatureError(f"'{name}' claims {array}: more than 16 GiB; split the file")


def as_features(array: npt.NDArray[Any], name: str) -> FloatArray:
    """Return an array as float ``[n_tiles, dim]``; a leading axis of length 1 is dropped.

    Raises:
        FeatureError: it has another shape, is empty, or is not of floats.
    """
    if array.dtype.kind != "f":
        raise FeatureError(f"'{name}' holds {array.dtype}, not floating-point features")
    shape = list(array.shape)
    if array.ndim == 3 and len(array) == 1:
        array = array[0]
    if array.ndim != 2:
        raise FeatureError(
            f"'{name}' has shape {shape}; features of tiles are [n_tiles, dim] or [1, n_tiles, dim]"
        )
    if array.size == 0:
        raise FeatureError(f"'{name}' has shape {shape}: it is empty")
    native: FloatArray = array.astype(array.dtype.newbyteorder("="), copy=False)
    return native


def as_labels(
    array: npt.NDArray[Any], name: str, *, n_tiles: int, classes: Sequence[str] = ()
) -> Int32Array:
    """Return labels as int32 ``[n_tiles]``; axes of length 1 are dropped.

    Args:
        array: whole numbers, or text.
        name: what the file calls them.
        n_tiles: number of tiles.
        classes: all texts that occur; a label is the place of its text among them.

    Raises:
        FeatureError: they are neither whole numbers nor of the classes, or not one for each tile.
    """
    if array.dtype.kind in "US":
        array = _coded(array, name, classes=classes)
    if array.dtype.kind not in "iub":
        raise FeatureError(f"'{name}' holds {array.dtype}; labels of tiles are whole numbers")
    if array.size != n_tiles or max(array.shape, default=0) != n_tiles:
        raise FeatureError(f"'{name}' has shape {list(array.shape)}, expected [{n_tiles}]")
    return as_int32(array.reshape(n_tiles), name)


def _coded(array: npt.NDArray[Any], name: str, *, classes: Sequence[str]) -> npt.NDArray[np.int64]:
    texts = np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array
    unknown = sorted(set(np.unique(texts).tolist()) - set(classes))
    if unknown:
        raise FeatureError(
            f"'{name}' holds the texts {', '.join(unknown[:_SHOWN])}; name all classes in their "
            f"order, such as --classes {','.join([*classes, *unknown][:_SHOWN])}"
        )
    places = {text: place for place, text in enumerate(classes)}
    codes = [places[text] for text in texts.ravel().tolist()]
    return np.array(codes, dtype=np.int64).reshape(texts.shape)


def as_int32(array: npt.NDArray[Any], name: str) -> Int32Array:
    """Return whole numbers as int32.

    Raises:
        FeatureError: one does not fit.
    """
    limits = np.iinfo(np.int32)
    if array.size and (array.min() < limits.min or array.max() > limits.max):
        raise FeatureError(f"'{name}' holds numbers beyond 32 bits")
    return array.astype(np.int32)


def check_transposed(levels: Mapping[str, FloatArray], *, n_rows: int, of: str) -> None:
    """Refuse features that have another number of tiles than what belongs to them.

    Raises:
        FeatureError: the numbers differ; says so if the axes seem exchanged.
    """
    for level, array in levels.items():
        if len(array) == n_rows:
            continue
        hint = "; its axes seem exchanged" if array.shape[1] == n_rows else ""
        raise FeatureError(
            f"level {level} has shape {list(array.shape)}, but there are {n_rows} {of}{hint}"
        )


def pick(names: Sequence[str], *, asked: str | None, usual: str) -> str | None:
    """Return the name of an optional array: the one asked for, else the usual one if there."""
    if asked is not None:
        return asked
    return usual if usual in names else None
