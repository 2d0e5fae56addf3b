"""HDF5 files of the workspace: checksummed arrays and attributes, reproducible to the byte."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from shazam.errors import ArtifactError

_CHUNK_ROWS = 1024
# the format of HDF5 1.10 (2016) spends a third of the bytes of the oldest one on its own tables
_FORMAT = ("v110", "v110")

Array = npt.NDArray[np.generic]


# what HDF5 raises on a damaged file depends on where the damage is
DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)


def write_arrays(
    path: Path, arrays: Mapping[str, Array], attrs: Mapping[str, str | int | float]
) -> None:
    """Write arrays (first axis: tiles, at least one) and attributes to a new file.

    Every array is stored with Fletcher-32 checksums, so that a flipped bit is an error on reading.
    The file is built in memory and written at once: a full disk is then a plain OSError, where the
    HDF5 library would be left with a file that it can neither finish nor close.
    """
    with h5py.File(path.name, "w", driver="core", backing_store=False, libver=_FORMAT) as file:
        for name, array in arrays.items():
            chunks = (_chunk_rows(len(array)), *array.shape[1:])
            file.create_dataset(name, data=array, chunks=chunks, fletcher32=True)
        for name, value in sorted(attrs.items()):
            file.attrs[name] = value
        file.flush()
        image = file.id.get_file_image()
    path.write_bytes(image)


def _chunk_rows(n_rows: int) -> int:
    """Return rows of equal chunks, of which the last one is stored whole, hardly filled up."""
    return math.ceil(n_rows / math.ceil(n_rows / _CHUNK_ROWS))


def read_arrays(path: Path, names: Sequence[str]) -> dict[str, Array]:
    """Return the named arrays.

    Raises:
        ArtifactError: the file is missing, damaged, or lacks an array.
    """
    try:
        with h5py.File(path, "r") as file:
            require(path, names, file)
            return {name: np.asarray(file[name]) for name in names}
    except DAMAGE as error:
        raise unreadable(path, error) from error


def array_names(path: Path) -> tuple[str, ...]:
    """Return the names of the arrays of a file, sorted.

    Raises:
        ArtifactError: the file is missing or damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            return tuple(sorted(file))
    except DAMAGE as error:
        raise unreadable(path, error) from error


def attribute_names(path: Path) -> tuple[str, ...]:
    """Return the names of the attributes of a file, sorted.

    Raises:
        ArtifactError: the file is missing or damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            return tuple(sorted(file.attrs))
    except DAMAGE as error:
        raise unreadable(path, error) from error


def read_attributes(path: Path, names: Sequence[str]) -> dict[str, str | int | float]:
    """Return the named attributes as plain Python values.

    Raises:
        ArtifactError: the file is missing, damaged, or lacks an attribute.
    """
    try:
        with h5py.File(path, "r") as file:
            require(path, names, file.attrs)
            return {name: _plain(file.attrs[name]) for name in names}
    except DAMAGE as error:
        raise unreadable(path, error) from error


def _plain(value: object) -> str | int | float:
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.floating):
        return float(value)
    return str(value)


def require(path: Path, names: Sequence[str], found: Mapping[str, object]) -> None:
    """Raise ArtifactError unless a file has all these names."""
    missing = [name for name in names if name not in found]
    if missing:
        raise ArtifactError(f"{path}: lacks {', '.join(missing)}; it has {sorted(found)}")


def unreadable(path: Path, error: Exception) -> ArtifactError:
    """Return what is told of a file that cannot be read."""
    return ArtifactError(f"{path}: cannot be read ({error}); delete it and run again")
