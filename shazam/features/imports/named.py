"""Files that hold arrays by name and say little more: .npz files and dicts of tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy.typing as npt

from shazam.errors import UnknownLayoutError
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
from shazam.features.imports.bag import Attribute, ImportedBag, ImportOptions
from shazam.features.imports.coords import place


@dataclass(frozen=True, slots=True)
class NamedArrays:
    """What a file holds, and how one array is read."""

    found: Mapping[str, Found]
    read: Callable[[str], npt.NDArray[Any]] = field(repr=False)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self.found:
            raise UnknownLayoutError(f"has no array {name}; {listed(self.found)}")
        check_size(name, self.found[name])
        return self.read(name)


def read_named(
    arrays: NamedArrays,
    *,
    options: ImportOptions,
    layout: str,
    attributes: Mapping[str, Attribute],
) -> ImportedBag:
    """Return the tiles of a file of named arrays.

    Coordinates are used only if the options name their unit: such a file never does.

    Raises:
        UnknownLayoutError: it is not clear which array is meant.
        FeatureError: an array has a wrong type or shape.
    """
    chosen = choose_levels(arrays.found, options=options)
    levels = {level: as_features(arrays[name], name) for level, name in chosen.items()}
    bag = ImportedBag(levels=levels, layout=layout, mpp=options.mpp, attributes=attributes)
    label_name = pick(list(arrays.found), asked=options.labels, usual=LABELS)
    if label_name is not None:
        labels = as_labels(
            arrays[label_name], label_name, n_tiles=bag.n_tiles, classes=options.classes
        )
        bag = replace(bag, labels=labels)
    if COORDS not in arrays.found:
        return bag
    coords, reason = place(arrays[COORDS], levels, unit=options.coords_unit, mpp=options.mpp)
    return replace(bag, coords_level0=coords, without_coords=reason)
