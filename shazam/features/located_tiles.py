"""Where the tiles of a case's bag lie: slide, place in its file, and coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shazam.errors import ArtifactError
from shazam.features.store import read_coords
from shazam.manifests import FeatureSetManifest, SlideFeatures
from shazam.publish import sealed_digest
from shazam.slides import read_grid
from shazam.workspace import Workspace


@dataclass(frozen=True, slots=True)
class LocatedTile:
    """A tile of a slide.

    Args:
        slide_id: the slide.
        row: of the tile in the slide's files of features, from 0.
        corner_level0_px: (x, y) of its upper left corner; None if the features have none.
        side_level0_px: its side; None if nothing says it.
    """

    slide_id: str
    row: int
    corner_level0_px: tuple[int, int] | None
    side_level0_px: int | None


def locate_tiles(
    manifest: FeatureSetManifest, *, case_id: str, rows: Sequence[int], workspace: Workspace
) -> tuple[LocatedTile, ...]:
    """Return where tiles of a case lie, in the order of their rows.

    Args:
        manifest: the feature set that the case's bag was made of.
        case_id: the case.
        rows: of tiles in the bag: its slides one after the other, by their names.
        workspace: where the files of features and of tile grids lie.

    Raises:
        ArtifactError: a file is missing or altered, or the case does not have so many tiles.
    """
    slides = [slide for slide in manifest.slides() if slide.case_id == case_id]
    ends = np.cumsum([slide.n_tiles for slide in slides])
    if not slides or max(rows, default=0) >= ends[-1]:
        raise ArtifactError(f"case '{case_id}': the feature set has fewer tiles than the model saw")
    found = []
    for row in rows:
        number = int(np.searchsorted(ends, row, side="right"))
        slide = slides[number]
        within = row - int(ends[number]) + slide.n_tiles
        found.append(_locate(slide, row=within, workspace=workspace))
    return tuple(found)


def _locate(slide: SlideFeatures, *, row: int, workspace: Workspace) -> LocatedTile:
    coords = read_coords(workspace.open(slide.uri, slide.sha256))
    grid = workspace.root / "tiles" / slide.tiles_key / f"{slide.slide_id}.h5"
    known = sealed_digest(grid) is not None
    return LocatedTile(
        slide_id=slide.slide_id,
        row=row,
        corner_level0_px=None if coords is None else (int(coords[row, 0]), int(coords[row, 1])),
        side_level0_px=read_grid(grid).spec.tile_px_level0 if known else None,
    )
