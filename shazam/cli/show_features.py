"""What `shazam features show` does: tell what a file of features holds."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from shazam.digest import digest_of_file
from shazam.features.imports.bag import Attribute, ImportOptions
from shazam.features.imports.read import read_bag


def show_features(file: Path, *, as_json: bool) -> None:
    """Print levels, types, NaN counts, coordinates, attributes and digest of a file.

    Raises:
        SlideError: the file cannot be read, or not which of its arrays is meant.
    """
    told = _told(file)
    if as_json:
        print(json.dumps(told, sort_keys=True))
        return
    for name, value in told.items():
        if isinstance(value, dict):
            print(f"{name}:")
            for key, inner in value.items():
                print(f"  {key}: {inner}")
        else:
            print(f"{name}: {value}")


def _told(file: Path) -> dict[str, object]:
    bag = read_bag(file, options=ImportOptions())
    levels = {
        level: {
            "dim": array.shape[1],
            "dtype": str(array.dtype),
            "n_nan": int(np.isnan(array).sum()),
            "n_inf": int(np.isinf(array).sum()),
        }
        for level, array in bag.levels.items()
    }
    coords = bag.without_coords if bag.coords_level0 is None else "level-0 pixels"
    return {
        "file": file.name,
        "sha256": digest_of_file(file),
        "layout": bag.layout,
        "n_tiles": bag.n_tiles,
        "levels": levels,
        "coordinates": coords,
        "labels": None if bag.labels is None else sorted(np.unique(bag.labels).tolist()),
        "mpp": bag.mpp,
        "attributes": {name: _in_json(value) for name, value in bag.attributes.items()},
    }


def _in_json(value: Attribute) -> Attribute:
    """Return NaN and infinities as text: JSON has no form for them."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
