"""One row per tiled slide: what the contract on tiles is checked on."""

from __future__ import annotations

import numpy as np
import pandas as pd

from shazam.digest import digest_of_file
from shazam.errors import ShazamError
from shazam.hdf5 import read_attributes
from shazam.manifests import TiledSlide, TilesManifest
from shazam.slides.grid import TileGrid
from shazam.slides.tiles import read_grid
from shazam.workspace import Workspace

_ROUNDING_PX = 1  # a tile's width in level-0 pixels is rounded


def tile_rows(manifest: TilesManifest, *, workspace: Workspace) -> pd.DataFrame:
    """Return one row per slide; a grid that cannot be read is a row with its error."""
    return pd.DataFrame([_row(tiled, workspace=workspace) for tiled in manifest.slides])


def _row(tiled: TiledSlide, *, workspace: Workspace) -> dict[str, object]:
    expected = {
        "slide_id": tiled.slide.slide_id,
        "case_id": tiled.slide.case_id,
        "n_tiles": tiled.n_tiles,
        "sha256_expected": tiled.sha256,
        "slide_sha256_expected": tiled.slide.sha256,
        "mpp_expected": tiled.slide.mpp,
    }
    try:
        return {**expected, **_read(tiled, workspace=workspace), "error": ""}
    except (OSError, ShazamError, KeyError) as error:
        return {**expected, "error": f"{type(error).__name__}: {error}"}


def _read(tiled: TiledSlide, *, workspace: Workspace) -> dict[str, object]:
    path = workspace.path(tiled.uri)
    grid = read_grid(path)
    return {
        "n_coords": grid.n_tiles,
        "n_repeated": grid.n_tiles - len(np.unique(grid.coords_level0, axis=0)),
        "n_outside": _n_outside(grid, size_px=(tiled.slide.width_px, tiled.slide.height_px)),
        "sha256": digest_of_file(path),
        "slide_sha256": str(read_attributes(path, ("slide_sha256",))["slide_sha256"]),
        "mpp": grid.spec.mpp,
    }


def _n_outside(grid: TileGrid, *, size_px: tuple[int, int]) -> int:
    first = grid.coords_level0.astype(np.int64)
    last = first + grid.spec.tile_px_level0 - _ROUNDING_PX
    within = (first >= 0).all(axis=1) & (last <= size_px).all(axis=1)
    return int((~within).sum())
