"""HDF5 files of CLAM, TRIDENT, STAMP and of Shazam itself.

CLAM and TRIDENT: ``features`` and ``coords`` (level-0 pixels). STAMP: ``feats`` and ``coords``
(micrometres where the file says so). Shazam: ``low``, ``mid``, ``high`` and ``coords``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from shazam.errors import FeatureError, UnknownLayoutError, UnreadableFeaturesError, UnsafeFileError
from shazam.features.imports.arrays import (
    COORDS,
    LABELS,
    Found,
    as_features,
    as_labels,
    check_size,
    choose_levels,
    listed,
    pick,
)
from shazam.features.imports.bag import (
    MAX_MPP,
    MIN_MPP,
    Attribute,
    ImportedBag,
    ImportOptions,
)
from shazam.features.imports.coords import place
from shazam.features.imports.layouts import CoordsUnit
from shazam.features.stored_levels import LEVELS

# what HDF5 raises on a damaged file depends on where the damage is
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, MemoryError)
_UM = ("um", "µm", "μm", "micron", "microns", "micrometer", "micrometre", "micrometers")
_PX = ("px", "pixel", "pixels", "px_level0")
_MAX_TEXT = 200


def read_hdf5(path: Path, *, options: ImportOptions) -> ImportedBag:
    """Read the features of an HDF5 file. Links to other places are not followed.

    Args:
        path: the file.
        options: what the file does not say of itself.

    Raises:
        UnreadableFeaturesError: the file is damaged.
        UnknownLayoutError: it is not clear which array is meant.
        UnsafeFileError: an array lies in another file.
        FeatureError: an array has a wrong type or shape.
    """
    try:
        with h5py.File(path, "r") as file:
            return _read(_datasets(file), _attributes(file.attrs), options=options)
    except _DAMAGE as error:
        raise UnreadableFeaturesError(f"{path.name}: damaged HDF5 file: {error}") from error


def _read(
    datasets: Mapping[str, h5py.Dataset],
    attributes: dict[str, Attribute],
    *,
    options: ImportOptions,
) -> ImportedBag:
    found = {name: _found(dataset) for name, dataset in datasets.items()}
    chosen = choose_levels(found, options=options)
    levels = {level: as_features(_array(datasets, name), name) for level, name in chosen.items()}
    n_tiles = len(next(iter(levels.values())))
    told = attributes | (_attributes(datasets[COORDS].attrs) if COORDS in datasets else {})
    label_name = pick(list(datasets), asked=options.labels, usual=LABELS)
    bag = ImportedBag(
        levels=levels,
        layout=_layout(chosen, told),
        mpp=options.mpp or _mpp(told),
        tile_px_level0=_tile_px_level0(told),
        attributes=told,
    )
    if label_name is not None:
        found_labels = _array(datasets, label_name)
        bag = replace(bag, labels=as_labels(found_labels, label_name, n_tiles=n_tiles))
    if COORDS not in datasets:
        return bag
    unit = options.coords_unit or _unit(chosen, told)
    coords, reason = place(_array(datasets, COORDS), levels, unit=unit, mpp=bag.mpp)
    return replace(bag, coords_level0=coords, without_coords=reason)


def _datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    datasets: dict[str, h5py.Dataset] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            datasets[name] = item

    file.visititems(visit)  # follows neither soft nor external links
    return datasets


def _found(dataset: h5py.Dataset) -> Found:
    shape = dataset.shape or ()
    return Found(shape=shape, dtype=str(dataset.dtype), size_bytes=int(dataset.nbytes))


def _array(datasets: Mapping[str, h5py.Dataset], name: str) -> npt.NDArray[Any]:
    if name not in datasets:
        found = {key: _found(dataset) for key, dataset in datasets.items()}
        raise UnknownLayoutError(f"has no array {name}; {listed(found)}")
    dataset = datasets[name]
    if dataset.is_virtual or dataset.external:
        raise UnsafeFileError(f"'{name}' lies in other files; copy it into this one")
    check_size(name, _found(dataset))
    if dataset.dtype.kind not in "fiub":
        raise FeatureError(f"'{name}' holds {dataset.dtype}, not numbers")
    return np.asarray(dataset)


def _layout(chosen: Mapping[str, str], told: Mapping[str, Attribute]) -> str:
    names = set(chosen.values())
    if names <= set(LEVELS):
        return "shazam"
    if "patch_size_level0" in told or "level0_magnification" in told:
        return "trident"
    if "feats" in names:
        return "stamp"
    return "clam" if "features" in names else "hdf5"


def _unit(chosen: Mapping[str, str], told: Mapping[str, Attribute]) -> CoordsUnit | None:
    stated = str(told.get("unit", "")).lower()
    if stated in _UM or (not stated and "tile_size_um" in told):
        return CoordsUnit.UM
    if stated in _PX:
        return CoordsUnit.PX_LEVEL0
    known = {*LEVELS, "features"} >= set(chosen.values())
    by_level0 = known or "patch_size_level0" in told or "patch_level" in told
    return CoordsUnit.PX_LEVEL0 if by_level0 and not stated else None


def _tile_px_level0(told: Mapping[str, Attribute]) -> float | None:
    if told.get("patch_level") == 0 and "patch_size_level0" not in told:
        return _number(told.get("patch_size"))
    return _number(told.get("patch_size_level0"))


def _mpp(told: Mapping[str, Attribute]) -> float | None:
    mpp = _number(told.get("mpp"))
    return mpp if mpp is not None and MIN_MPP <= mpp <= MAX_MPP else None


def _number(value: Attribute | None) -> float | None:
    if isinstance(value, int | float) and np.isfinite(value) and value > 0:
        return float(value)
    return None


def _attributes(attrs: h5py.AttributeManager) -> dict[str, Attribute]:
    told: dict[str, Attribute] = {}
    for name in sorted(attrs):
        if np.prod(attrs.get_id(name).shape or (1,), dtype=object) > 1:
            continue  # tells no more of a file than one value does, and may claim to be huge
        value = attrs[name]
        if isinstance(value, bytes):
            value = value.decode("utf-8", errors="replace")
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.reshape(())[()]
        match value:
            case str():
                told[name] = value[:_MAX_TEXT].encode("utf-8", "replace").decode()
            case bool() | np.bool_() | int() | np.integer():
                told[name] = int(value)
            case float() | np.floating():
                told[name] = float(value)
    return told
