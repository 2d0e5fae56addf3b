"""A quick teacher, and slides that are validated, tiled and extracted on the spot."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from shazam.config.tiling import TilingConfig
from shazam.features.extract import extract_slides
from shazam.features.session import Reading
from shazam.manifests import LevelDims, TeacherIdentity, TilesManifest
from shazam.slides.tiles import tile_slides
from shazam.slides.validate import validate_slides
from shazam.workspace import Workspace
from tests.slides.made import COHORT_REF, SlideSet, silent

TILING = TilingConfig()
BATCH_SIZE = 5


class MeanColour:
    """A quick teacher: the mean of R, G, B at every level."""

    device_type = "cpu"
    precision = "float32"
    identity = TeacherIdentity(
        name="mean_colour",
        revision="1",
        weights_sha256="1" * 64,
        transform_sha256="2" * 64,
        dims=LevelDims(low=3, mid=3, high=3),
        licence="Apache-2.0",
    )

    def __init__(self, *, name: str = "mean_colour", poisoned: bool = False) -> None:
        self.identity = self.identity.model_copy(update={"name": name})
        self.n_tiles = 0
        self.poisoned = poisoned

    def encode(self, tiles):
        self.n_tiles += len(tiles)
        mean = tiles.mean(axis=(1, 2)).astype(np.float32)
        if self.poisoned:
            mean[0] = np.nan
        return {"low": mean, "mid": mean, "high": mean}


def tiled(slides, folder: Path, root: Path) -> TilesManifest:
    valid = validate_slides(
        SlideSet(tuple(slides)),
        cohort_ref=COHORT_REF,
        slides_dir=folder,
        config=TILING,
        workspace=Workspace(root),
        progress=silent("validate"),
    )
    return tile_slides(
        valid,
        slides_dir=folder,
        config=TILING,
        workspace=Workspace(root),
        progress=silent("tile"),
    )


def extracted(tiles, folder, root, encoder, batch_size=BATCH_SIZE):
    (manifest,) = extracted_by([encoder], tiles, folder, root, Reading(batch_size, n_readers=0))
    return manifest


def extracted_by(encoders, tiles, folder, root, reading):
    return extract_slides(
        tiles,
        slides_dir=folder,
        encoders=encoders,
        workspace=Workspace(root),
        progress=silent("extract"),
        reading=reading,
    )
