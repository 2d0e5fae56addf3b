"""Made files of features, as other tools write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import h5py
import numpy as np

from shazam.features.imports.bag import ImportOptions
from shazam.features.imports.bags import find_bags
from shazam.features.imports.importing import Imported, import_bags
from shazam.features.imports.sources import find_files
from shazam.features.imports.teacher import ImportedTeacher
from shazam.progress import silent
from shazam.workspace import Workspace

DEFAULT = ImportOptions()
NONE: Mapping[str, object] = MappingProxyType({})


def features(n_tiles: int = 4, dim: int = 3, *, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_tiles, dim)).astype(np.float32)


def grid(n_tiles: int = 4) -> np.ndarray:
    return np.stack([np.arange(n_tiles) * 512, np.full(n_tiles, 1024)], axis=1)


def write_h5(
    path: Path,
    arrays: Mapping[str, np.ndarray],
    *,
    attrs: Mapping[str, object] = NONE,
    coords_attrs: Mapping[str, object] = NONE,
) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name] = array
        file.attrs.update(attrs)
        if coords_attrs:
            file["coords"].attrs.update(coords_attrs)
    return path


def imported(
    folder: Path,
    workspace: Path,
    *,
    teacher: str = "uni",
    options: ImportOptions = DEFAULT,
    write: bool = True,
    max_quarantine_fraction: float = 0.5,
) -> Imported:
    bags = find_bags(find_files([folder]), options=options, case_of=lambda slide: slide[:1])
    return import_bags(
        bags,
        teacher=ImportedTeacher(teacher, "1", "CC-BY-4.0"),
        options=options,
        workspace=Workspace(workspace),
        write=write,
        max_quarantine_fraction=max_quarantine_fraction,
        progress=silent,
    )
