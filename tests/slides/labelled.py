"""Tiles of real slides that were labelled by eye, and what the room finds in them.

``tissue_labels/*.json`` hold a row of letters for each row of tiles: ``T`` tissue over clearly
more than half of the tile, ``.`` clearly less, ``P`` ink over clearly more than half, ``?``
unsure. A tile is 112 micrometres wide on a slide; pictures (which name no resolution) say how
many of their pixels a tile is wide, and roughly how many micrometres a pixel spans.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from shazam.slides.grid import TileSpec, tile_grid
from shazam.slides.reader import open_slide
from shazam.slides.tissue import find_ground
from tests.real_data import shared_data

LABELS = {path.stem: path for path in (Path(__file__).parent / "tissue_labels").glob("*.json")}
OVERVIEW_UM = 8.0


@dataclass(frozen=True)
class Overview:
    """A picture of about 8 micrometres per pixel and how it lies on the labelled tiles."""

    rgb: np.ndarray
    dims_px: tuple[int, int]
    downsample: float
    tile_px: float


@dataclass(frozen=True)
class Agreement:
    """Tiles labelled tissue or background, those found so, and labelled pen, those left out."""

    n: int
    n_agreed: int
    n_pen: int
    n_pen_out: int


def labels_of(name: str) -> dict[str, Any]:
    return json.loads(LABELS[name].read_text())


def agreement(name: str, *, change: Callable[[np.ndarray], np.ndarray] = np.asarray) -> Agreement:
    """Compare what the room keeps (at least half tissue) with the labels of one slide.

    ``change`` alters the overview first, as another scanner would.
    """
    labels = labels_of(name)
    overview = _overview(labels)
    kept = _kept(replace(overview, rgb=change(overview.rgb)))
    found = [
        (label, (column, row) in kept)
        for row, line in enumerate(labels["rows"])
        for column, label in enumerate(line)
    ]
    pen = [is_kept for label, is_kept in found if label == "P"]
    sure = [(label == "T") == is_kept for label, is_kept in found if label in "T."]
    return Agreement(len(sure), sum(sure), len(pen), len(pen) - sum(pen))


def _kept(overview: Overview) -> set[tuple[int, int]]:
    grid = tile_grid(
        find_ground(overview.rgb).tissue,
        spec=TileSpec(1.0, overview.tile_px, 224, level=0, downsample=1.0),
        dims_px=overview.dims_px,
        mask_downsample=overview.downsample,
        min_tissue_fraction=0.5,
    )
    places = np.rint(grid.coords_level0 / overview.tile_px).astype(int)
    return {(column, row) for column, row in places.tolist()}


def _overview(labels: dict[str, Any]) -> Overview:
    path = shared_data() / labels["source"]
    if path.suffix == ".png":
        return _reduced(path, tile_px=labels["tile_px"], um_per_px=labels["um_per_px"])
    with open_slide(path) as reader:
        mpp, _ = reader.mpp(assume_mpp=labels.get("assume_mpp"))
        downsample = OVERVIEW_UM / mpp
        rgb = reader.overview(downsample=downsample)
        return Overview(rgb, reader.dims_px, downsample, 112.0 / mpp)


def _reduced(path: Path, *, tile_px: float, um_per_px: float) -> Overview:
    downsample = max(1.0, OVERVIEW_UM / um_per_px)
    with Image.open(path) as image:
        dims_px = image.size
        width, height = (int(side / downsample) for side in dims_px)
        box = (0, 0, width * downsample, height * downsample)
        small = image.convert("RGB").resize((width, height), Image.Resampling.BOX, box=box)
    return Overview(np.asarray(small), dims_px, downsample, tile_px)
