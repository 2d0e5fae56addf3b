"""Rows of the contract on tiles."""

import numpy as np

from shazam.slides.rows import tile_rows
from shazam.slides.tiles import tile_slides
from shazam.slides.validate import validate_slides
from shazam.workspace import Workspace
from tests.features.made import TILING, tiled
from tests.slides.made import COHORT_REF, SlideSet, make_slide, silent


def test_a_grid_over_other_bytes_or_beyond_the_slide_is_seen(tmp_path):
    manifest = tiled([make_slide(tmp_path, name="A")], tmp_path, tmp_path / "ws")
    (own,) = manifest.slides
    narrow = own.slide.model_copy(update={"width_px": 300, "sha256": "0" * 64, "mpp": 0.3})
    told = manifest.model_copy(update={"slides": (own.model_copy(update={"slide": narrow}),)})
    (row,) = tile_rows(told, workspace=Workspace(tmp_path / "ws")).to_dict("records")
    assert row["n_outside"] > 0
    assert row["slide_sha256"] != row["slide_sha256_expected"]
    assert row["mpp"] != row["mpp_expected"]


def test_the_last_tile_may_end_at_the_edge(tmp_path):
    slide = make_slide(tmp_path, name="A", rgb=np.full((448, 448, 3), (180, 90, 150), np.uint8))
    valid = validate_slides(
        SlideSet((slide,)),
        cohort_ref=COHORT_REF,
        slides_dir=tmp_path,
        config=TILING,
        workspace=Workspace(tmp_path / "ws"),
        progress=silent("validate"),
    )
    manifest = tile_slides(
        valid,
        slides_dir=tmp_path,
        config=TILING,
        workspace=Workspace(tmp_path / "ws"),
        progress=silent("tile"),
    )
    (row,) = tile_rows(manifest, workspace=Workspace(tmp_path / "ws")).to_dict("records")
    assert (row["n_tiles"], row["n_outside"], row["n_repeated"]) == (4, 0, 0)
