"""The feature file: one HDF5 per slide and teacher, all levels of one forward side by side.

Datasets ``low``, ``mid``, ``high`` (those that the teacher gives) are float16 ``[n_tiles, dim]``,
or float32 where the attribute ``dtype`` says so; imported ones may hold NaN where the attribute
``missing_values`` says so.
``coords`` is int32 ``[n_tiles, 2]`` (x, y of a tile's upper left corner in level-0 pixels); a file
without it has the attribute ``without_coords``, which says why. ``labels``, where tiles have them,
is int32 ``[n_tiles]``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shazam.config.imports import MissingValues, StoredDtype
from shazam.errors import ArtifactError, FeatureError
from shazam.features.stored_levels import LEVELS, Levels, StoredArray, as_stored, is_bad
from shazam.hdf5 import array_names, attribute_names, read_arrays, read_attributes, write_arrays
from shazam.publish import publish_sealed

Int32Array = npt.NDArray[np.int32]

_COORDS = "coords"
_LABELS = "labels"
_ALWAYS_KNOWN = ("teacher", "revision", "tiles_key", "key")


@dataclass(frozen=True, slots=True)
class FeatureAttrs:
    """Provenance of a feature file. ``mpp`` is micrometres per pixel at level 0 of the slide.

    What is None is not known, and not stored. ``source_sha256`` is that of the file which
    imported features come from. ``without_coords`` says why there are no coordinates. ``dtype`` is
    how features are stored, by default float16; ``missing_values`` is ``impute`` where NaN may
    stand.
    """

    teacher: str
    revision: str
    weights_sha256: str | None
    transform_sha256: str | None
    tiles_key: str
    slide_sha256: str | None
    key: str
    mpp: float | None
    source_sha256: str | None = None
    without_coords: str | None = None
    dtype: str | None = None
    missing_values: str | None = None

    @property
    def stored_dtype(self) -> StoredDtype:
        """How features are stored."""
        return StoredDtype.FLOAT16 if self.dtype is None else StoredDtype(self.dtype)

    @property
    def allows_nan(self) -> bool:
        """Whether NaN may stand among the features."""
        return self.missing_values == MissingValues.IMPUTE


def write_features(
    path: Path,
    *,
    levels: Levels,
    coords: Int32Array | None,
    attrs: FeatureAttrs,
    labels: Int32Array | None = None,
    expected: Sequence[str] = LEVELS,
) -> str:
    """Publish a feature file; equal content gives equal bytes.

    Args:
        path: the final path.
        levels: features by level name, float ``[n_tiles, dim]``; stored as ``attrs`` says.
        coords: int32 ``[n_tiles, 2]``, (x, y) at level 0; None where ``attrs.without_coords``
            says why there are none.
        attrs: provenance.
        labels: int32 ``[n_tiles]``, the classes of the tiles, if they have any.
        expected: the levels that the teacher gives.

    Returns:
        SHA-256 of the published bytes.

    Raises:
        FeatureError: levels are not the expected ones, or one is empty, not finite as stored, or
            of another length than the others, the coordinates or the labels.
    """
    stored = as_stored(
        levels, expected=expected, dtype=attrs.stored_dtype, allow_nan=attrs.allows_nan
    )
    arrays: dict[str, npt.NDArray[np.generic]] = {**stored}
    _check_lengths(stored, coords=coords, labels=labels, attrs=attrs)
    if coords is not None:
        arrays[_COORDS] = coords.astype(np.int32)
    if labels is not None:
        arrays[_LABELS] = labels.astype(np.int32)
    known = {name: value for name, value in asdict(attrs).items() if value is not None}

    def write(temporary: Path) -> None:
        write_arrays(temporary, arrays, known)

    def check(temporary: Path) -> None:
        check_features(temporary, attrs=attrs, coords=coords, labels=labels, levels=tuple(stored))

    return publish_sealed(path, write, check=check)


def read_levels(path: Path) -> tuple[str, ...]:
    """Return the names of the levels that a feature file holds, in the order low, mid, high.

    Raises:
        ArtifactError: the file cannot be read, or holds none.
    """
    names = array_names(path)
    levels = tuple(level for level in LEVELS if level in names)
    if not levels:
        raise ArtifactError(f"{path}: holds no level; it has {list(names)}")
    return levels


def read_features(path: Path, *, levels: Sequence[str] | None = None) -> dict[str, StoredArray]:
    """Return levels of a feature file, ``[n_tiles, dim]`` as stored; all that it has if None.

    Raises:
        ArtifactError: the file cannot be read, or lacks a level.
    """
    arrays = read_arrays(path, read_levels(path) if levels is None else levels)
    return {level: _as_read(array) for level, array in arrays.items()}


def _as_read(array: npt.NDArray[Any]) -> StoredArray:
    if array.dtype == np.float32:
        return array.astype(np.float32, copy=False)
    return array.astype(np.float16, copy=False)


def read_coords(path: Path) -> Int32Array | None:
    """Return the coordinates of a feature file, int32 ``[n_tiles, 2]``, (x, y) at level 0.

    None if the file says that it has none.

    Raises:
        ArtifactError: the file cannot be read, or lacks coordinates and does not say why.
    """
    if "without_coords" in attribute_names(path) and _COORDS not in array_names(path):
        return None
    return read_arrays(path, (_COORDS,))[_COORDS].astype(np.int32, copy=False)


def read_labels(path: Path) -> Int32Array | None:
    """Return the classes of the tiles, int32 ``[n_tiles]``; None if the file has none.

    Raises:
        ArtifactError: the file cannot be read.
    """
    if _LABELS not in array_names(path):
        return None
    return read_arrays(path, (_LABELS,))[_LABELS].astype(np.int32, copy=False)


def read_attrs(path: Path) -> FeatureAttrs:
    """Return the provenance of a feature file; what it does not say is None.

    Raises:
        ArtifactError: the file cannot be read, or does not name its teacher, tiles and key.
    """
    names = [field.name for field in fields(FeatureAttrs)]
    present = {*attribute_names(path), *_ALWAYS_KNOWN}
    found = read_attributes(path, [name for name in names if name in present])
    values: dict[str, Any] = dict.fromkeys(names)
    values |= {name: float(v) if name == "mpp" else str(v) for name, v in found.items()}
    return FeatureAttrs(**values)


def check_features(
    path: Path,
    *,
    attrs: FeatureAttrs,
    coords: Int32Array | None,
    labels: Int32Array | None = None,
    levels: Sequence[str] = LEVELS,
) -> None:
    """Read a whole feature file and compare it with what it must be.

    Args: see :func:`check_provenance`.

    Raises:
        ArtifactError: the file cannot be read, is another than asked for, or is not finite.
    """
    check_provenance(path, attrs=attrs, coords=coords, labels=labels, levels=levels)
    features = read_features(path)
    n_tiles = len(next(iter(features.values()))) if coords is None else len(coords)
    for level, array in features.items():
        sound = not is_bad(array, allow_nan=attrs.allows_nan).any()
        if array.dtype != attrs.stored_dtype:
            raise ArtifactError(f"{path}: level {level} holds {array.dtype}, not its dtype")
        if array.ndim != 2 or len(array) != n_tiles or not sound:
            raise ArtifactError(f"{path}: level {level} is not finite [n_tiles, dim]")


def check_provenance(
    path: Path,
    *,
    attrs: FeatureAttrs,
    coords: Int32Array | None,
    labels: Int32Array | None = None,
    levels: Sequence[str] = LEVELS,
) -> None:
    """Compare what a feature file says of itself with what it must be, features unread.

    Enough for a file whose bytes have the digest of its seal: they were checked before sealing.

    Args:
        path: the file.
        attrs: the provenance it must carry.
        coords: the coordinates it must hold, int32 ``[n_tiles, 2]``, or None.
        labels: the classes of tiles it must hold, int32 ``[n_tiles]``, or None.
        levels: the levels it must hold, and no others.

    Raises:
        ArtifactError: the file cannot be read or is another than asked for.
    """
    if read_attrs(path) != attrs:
        raise ArtifactError(f"{path}: made for another slide, tiling or teacher")
    if not _equal(read_coords(path), coords):
        raise ArtifactError(f"{path}: its coordinates are not those of the tile grid")
    if not _equal(read_labels(path), labels):
        raise ArtifactError(f"{path}: its labels are not those of the tiles")
    if set(read_levels(path)) != set(levels):
        raise ArtifactError(f"{path}: holds {list(read_levels(path))}, expected {list(levels)}")


def _check_lengths(
    stored: Mapping[str, StoredArray],
    *,
    coords: Int32Array | None,
    labels: Int32Array | None,
    attrs: FeatureAttrs,
) -> None:
    if (coords is None) == (attrs.without_coords is None):
        raise FeatureError("coordinates are needed, or without_coords must say why there are none")
    n_tiles = len(next(iter(stored.values()))) if coords is None else len(coords)
    if coords is not None and coords.shape != (n_tiles, 2):
        raise FeatureError(f"coordinates have shape {list(coords.shape)}, expected [n_tiles, 2]")
    for level, array in stored.items():
        if len(array) != n_tiles:
            raise FeatureError(
                f"level {level} has shape {list(array.shape)}, expected [{n_tiles}, dim]"
            )
    if labels is not None and labels.shape != (n_tiles,):
        raise FeatureError(f"labels have shape {list(labels.shape)}, expected [{n_tiles}]")


def _equal(found: Int32Array | None, expected: Int32Array | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return bool(np.array_equal(found, expected))
