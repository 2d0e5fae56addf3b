"""The real reference data: where it lies, and slides built from it."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shazam.demo.pyramid import write_pyramid

TILE_PX = 224
MPP = 0.5
_COLUMNS = 4
_ROWS = 3


def shared_data() -> Path:
    """Return the folder of the reference data, or skip the test where it is absent."""
    value = os.environ.get("SHAZAM_SHARED_DATA")
    if not value or not Path(value).is_dir():
        pytest.skip("SHAZAM_SHARED_DATA names no folder: the real reference data is absent here")
    return Path(value)


def write_table(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def lung_cases(folder: Path, *, n_per_class: int) -> dict[str, list[list[Path]]]:
    """Return, per class, cases of 12 tiles each; a source group never stands in two cases."""
    groups: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    with (folder / "manifest.csv").open() as file:
        for row in csv.DictReader(file):
            path = folder / row["label"] / row["file"]
            if path.is_file():
                groups[row["label"]][row["group"]].append(path)
    return {label: _deal(groups[label], n_per_class) for label in sorted(groups)}


def _deal(groups: Mapping[str, list[Path]], n_cases: int) -> list[list[Path]]:
    cases: list[list[Path]] = [[] for _ in range(n_cases)]
    names = iter(sorted(groups))
    for case in cases:
        while len(case) < _COLUMNS * _ROWS:
            case.extend(groups[next(names)])
        del case[_COLUMNS * _ROWS :]
    return cases


def write_mosaic(path: Path, tiles: Iterable[Path]) -> None:
    """Write a pyramidal slide of 12 tiles on a white margin of one tile."""
    slide = np.full(((_ROWS + 2) * TILE_PX, (_COLUMNS + 2) * TILE_PX, 3), 255, dtype=np.uint8)
    for number, tile in enumerate(tiles):
        row, column = divmod(number, _COLUMNS)
        y, x = (row + 1) * TILE_PX, (column + 1) * TILE_PX
        with Image.open(tile) as image:
            slide[y : y + TILE_PX, x : x + TILE_PX] = np.asarray(image.convert("RGB"))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_pyramid(path, slide, mpp=MPP, n_levels=3)
