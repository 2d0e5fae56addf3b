"""The feature file: one HDF5 per slide and teacher, all levels of one forward side by side.

Datasets ``low``, ``mid``, ``high`` are float16 ``[n_tiles, dim]``, ``coords`` is int32
``[n_tiles, 2]`` (x, y of a tile's upper left corner in level-0 pixels).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from shazam.errors import ArtifactError, FeatureError
from shazam.hdf5 import read_arrays, read_attributes, write_arrays
from shazam.publish import publish_sealed

LEVELS: tuple[str, ...] = ("low", "mid", "high")

Float16Array = npt.NDArray[np.float16]
Int32Array = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class FeatureAttrs:
    """Provenance of a feature file. ``mpp`` is micrometres per pixel at level 0 of the slide."""

    teacher: str
    revision: str
    weights_sha256: str
    transform_sha256: str
    tiles_key: str
    slide_sha256: str
    key: str
    mpp: float


def write_features(
    path: Path,
    *,
    levels: Mapping[str, npt.NDArray[np.floating]],
    coords: Int32Array,
    attrs: FeatureAttrs,
) -> str:
    """Publish a feature file; equal content gives equal bytes.

    Args:
        path: the final path.
        levels: features by level name, float ``[n_tiles, dim]``; stored as float16.
        coords: int32 ``[n_tiles, 2]``, (x, y) at level 0.
        attrs: provenance.

    Returns:
        SHA-256 of the published bytes.

    Raises:
        FeatureError: a level is missing, empty, not finite in float16, or of another length.
    """
    half = {level: _as_half(levels, level, n_tiles=len(coords)) for level in LEVELS}

    def write(temporary: Path) -> None:
        write_arrays(temporary, {**half, "coords": coords.astype(np.int32)}, asdict(attrs))

    def check(temporary: Path) -> None:
        check_features(temporary, attrs=attrs, coords=coords)

    return publish_sealed(path, write, check=check)


def read_features(path: Path, *, levels: Sequence[str]) -> dict[str, Float16Array]:
    """Return the asked levels of a feature file, float16 ``[n_tiles, dim]`` each.

    Raises:
        ArtifactError: the file cannot be read, or lacks a level.
    """
    arrays = read_arrays(path, levels)
    return {level: array.astype(np.float16, copy=False) for level, array in arrays.items()}


def read_coords(path: Path) -> Int32Array:
    """Return the coordinates of a feature file, int32 ``[n_tiles, 2]``, (x, y) at level 0.

    Raises:
        ArtifactError: the file cannot be read.
    """
    return read_arrays(path, ("coords",))["coords"].astype(np.int32, copy=False)


def read_attrs(path: Path) -> FeatureAttrs:
    """Return the provenance of a feature file.

    Raises:
        ArtifactError: the file cannot be read, or lacks an attribute.
    """
    found = read_attributes(path, [field.name for field in fields(FeatureAttrs)])
    mpp = float(found.pop("mpp"))
    return FeatureAttrs(**{name: str(value) for name, value in found.items()}, mpp=mpp)


def check_features(path: Path, *, attrs: FeatureAttrs, coords: Int32Array) -> None:
    """Read a whole feature file and compare it with what it must be.

    Args:
        path: the file.
        attrs: the provenance it must carry.
        coords: the coordinates it must hold, int32 ``[n_tiles, 2]``.

    Raises:
        ArtifactError: the file cannot be read or is another than asked for.
    """
    if read_attrs(path) != attrs:
        raise ArtifactError(f"{path}: made for another slide, tiling or teacher")
    if not np.array_equal(read_coords(path), coords):
        raise ArtifactError(f"{path}: its coordinates are not those of the tile grid")
    for level, array in read_features(path, levels=LEVELS).items():
        if array.ndim != 2 or len(array) != len(coords) or not np.isfinite(array).all():
            raise ArtifactError(f"{path}: level {level} is not finite [n_tiles, dim]")


def to_half(levels: Mapping[str, npt.NDArray[np.floating]]) -> dict[str, Float16Array]:
    """Return levels as float16; what it cannot hold becomes infinite, and is refused on writing."""
    with np.errstate(over="ignore"):
        return {level: array.astype(np.float16) for level, array in levels.items()}


def _as_half(
    levels: Mapping[str, npt.NDArray[np.floating]], level: str, *, n_tiles: int
) -> Float16Array:
    if level not in levels:
        raise FeatureError(f"level {level} is missing; a teacher gives low, mid and high")
    array = levels[level]
    if array.ndim != 2 or len(array) != n_tiles or array.size == 0:
        raise FeatureError(f"level {level} has shape {array.shape}, expected [{n_tiles}, dim]")
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    bad_tiles = int((~np.isfinite(half)).any(axis=1).sum())
    if bad_tiles:
        raise FeatureError(
            f"level {level}: {bad_tiles} of {n_tiles} tiles have NaN, Inf or values beyond float16"
        )
    return half
