"""Files of numpy.savez: arrays by name, or a table with a row for each tile, slide or case."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from shazam.errors import FeatureError, UnreadableFeaturesError, UnsafeFileError
from shazam.features.imports.arrays import Found
from shazam.features.imports.bag import ImportedBag, ImportOptions
from shazam.features.imports.named import NamedArrays, read_named

_SUFFIX = ".npy"
_DAMAGE = (
    *(OSError, EOFError, ValueError, TypeError, KeyError, SyntaxError, RuntimeError),
    *(NotImplementedError, MemoryError, OverflowError, BadZipFile, zlib.error),
)


def read_npz(path: Path, *, options: ImportOptions) -> ImportedBag:
    """Read the features of a whole .npz file.

    Args:
        path: the file.
        options: what the file does not say of itself.

    Raises:
        UnreadableFeaturesError: it is damaged.
        UnsafeFileError: an array that is needed holds pickled objects.
        UnknownLayoutError: it is not clear which array is meant.
        FeatureError: an array has a wrong type or shape.
    """
    with open_npz(path) as arrays:
        return read_named(arrays, options=options, layout="npz", attributes={})


@contextmanager
def open_npz(path: Path) -> Iterator[NamedArrays]:
    """Open a .npz file; arrays are read when asked for, and never unpickled.

    Raises:
        UnreadableFeaturesError: the file or an array is damaged.
    """
    try:
        with ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.endswith(_SUFFIX)]
            found = {name.removesuffix(_SUFFIX): _found(archive, name) for name in members}
            yield NamedArrays(found=found, read=lambda name: _array(archive, name, found[name]))
    except _DAMAGE as error:
        raise UnreadableFeaturesError(f"{path.name}: damaged .npz file: {error}") from error


def _array(archive: ZipFile, name: str, found: Found) -> npt.NDArray[Any]:
    if found.dtype == "object":
        raise UnsafeFileError(
            f"'{name}' holds pickled objects, which are not loaded; save it as numbers or text"
        )
    with archive.open(name + _SUFFIX) as file:
        array: npt.NDArray[Any] = npy.read_array(file, allow_pickle=False)
    if array.dtype.kind not in "fiubUS":
        raise FeatureError(f"'{name}' holds {array.dtype}, neither numbers nor text")
    return array


def _found(archive: ZipFile, name: str) -> Found:
    with archive.open(name) as file:
        shape, dtype = _header(file)
    size_bytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
    return Found(shape=shape, dtype=str(dtype), size_bytes=size_bytes)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype
