"""Choose the reader of a file by its first bytes; its name only decides between two of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import h5py

from shazam.errors import UnreadableFeaturesError
from shazam.features.imports.bag import ImportedBag, ImportOptions
from shazam.features.imports.hdf5 import read_hdf5
from shazam.features.imports.npz import read_npz
from shazam.features.imports.torch_file import read_torch


class Kind(StrEnum):
    """Kinds of files that can be imported."""

    HDF5 = "HDF5"
    TORCH = "torch"
    NPZ = "npz"


SUFFIXES = {
    ".h5": Kind.HDF5,
    ".hdf5": Kind.HDF5,
    ".pt": Kind.TORCH,
    ".pth": Kind.TORCH,
    ".npz": Kind.NPZ,
}
_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"


def read_bag(path: Path, *, options: ImportOptions) -> ImportedBag:
    """Read all tiles of a file of features made elsewhere.

    Args:
        path: the file.
        options: what the file does not say of itself.

    Raises:
        SlideError: the file is damaged, unsafe, not understood, or its arrays do not fit.
    """
    match kind_of(path):
        case Kind.HDF5:
            return read_hdf5(path, options=options)
        case Kind.TORCH:
            return read_torch(path, options=options)
        case Kind.NPZ:
            return read_npz(path, options=options)


def kind_of(path: Path) -> Kind:
    """Return what a file is.

    Raises:
        UnreadableFeaturesError: it cannot be opened, or is none of the kinds.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
        if h5py.is_hdf5(path):
            return Kind.HDF5
    except OSError as error:
        raise UnreadableFeaturesError(f"{path.name}: cannot be opened: {error.strerror}") from error
    if start.startswith(_ZIP):
        return _kind_of_zip(path)
    if start.startswith(_PICKLE) and SUFFIXES.get(path.suffix.lower()) is Kind.TORCH:
        return Kind.TORCH
    raise UnreadableFeaturesError(
        f"{path.name}: neither HDF5 nor a file of torch.save or numpy.savez by its content"
        f"{' (it is empty)' if not start else ''}"
    )


def _kind_of_zip(path: Path) -> Kind:
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFeaturesError(f"{path.name}: damaged: {error}") from error
    if any(name.endswith("data.pkl") for name in names):
        return Kind.TORCH
    if any(name.endswith(".npy") for name in names):
        return Kind.NPZ
    raise UnreadableFeaturesError(f"{path.name}: a zip file, but not of torch.save or numpy.savez")
