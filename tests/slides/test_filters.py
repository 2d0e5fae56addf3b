"""The pen and the blur filter: off by default, counted, part of the key."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from shazam.config.tiling import TilingConfig
from shazam.demo.paint import paint_section
from shazam.digest import digest_of
from shazam.hdf5 import read_attributes
from shazam.progress import LineProgress
from shazam.refs import CohortRef
from shazam.slides.tiles import TilesKey, read_tiles, tile_slide, tile_slides
from shazam.slides.validate import FindingsKey, validate_slide, validate_slides
from shazam.workspace import Workspace
from tests.slides.made import COHORT_REF, SlideSet, make_slide, silent

BLUE_INK = (40, 90, 200)
TILE_PX = 224
OFF = TilingConfig()


def painted(*, inked_px: int = 0, blurred: bool = False) -> np.ndarray:
    """Six tiles of tissue in two rows; ink from the left edge on, the lower row out of focus."""
    rgb = paint_section((5, 1), risk=0.0, site=0)[TILE_PX : 3 * TILE_PX, TILE_PX : 4 * TILE_PX]
    rgb = rgb.copy()
    if blurred:
        lower = Image.fromarray(rgb[TILE_PX:]).filter(ImageFilter.GaussianBlur(4))
        rgb[TILE_PX:] = np.asarray(lower)
    rgb[:TILE_PX, :inked_px] = BLUE_INK
    return rgb


def tiled(tmp_path, config, **look):
    slide = make_slide(tmp_path, rgb=painted(**look))
    path = tmp_path / slide.path
    valid = validate_slide(path, slide=slide, config=config)
    return tile_slide(path, slide=valid, config=config, workspace=Workspace(tmp_path / "ws"))


def corners(tmp_path, entry):
    return (read_tiles(tmp_path / "ws" / entry.uri).grid.coords_level0 // TILE_PX).tolist()


def test_without_filters_all_tiles_with_tissue_are_kept(tmp_path):
    entry = tiled(tmp_path, OFF, inked_px=80, blurred=True)
    assert (entry.n_tiles, entry.n_dropped_pen, entry.n_dropped_blur) == (6, 0, 0)


def test_a_tile_with_more_pen_than_allowed_is_dropped_and_counted(tmp_path):
    strict = tiled(tmp_path, TilingConfig(max_pen_fraction=0.2), inked_px=80)
    assert (strict.n_tiles, strict.n_dropped_pen, strict.n_dropped_blur) == (5, 1, 0)
    assert [0, 0] not in corners(tmp_path, strict)
    lenient = tiled(tmp_path, TilingConfig(max_pen_fraction=0.6), inked_px=80)
    assert (lenient.n_tiles, lenient.n_dropped_pen) == (6, 0)


def test_a_tile_out_of_focus_is_dropped_and_counted(tmp_path):
    entry = tiled(tmp_path, TilingConfig(min_sharpness=30.0), blurred=True)
    assert (entry.n_tiles, entry.n_dropped_pen, entry.n_dropped_blur) == (3, 0, 3)
    assert corners(tmp_path, entry) == [[0, 0], [1, 0], [2, 0]]


def test_the_counts_are_kept_in_the_file_and_a_second_run_reads_them_there(tmp_path, monkeypatch):
    config = TilingConfig(max_pen_fraction=0.2, min_sharpness=30.0)
    first = tiled(tmp_path, config, inked_px=80, blurred=True)
    assert (first.n_tiles, first.n_dropped_pen, first.n_dropped_blur) == (2, 1, 3)
    expected = {"n_dropped_pen": 1, "n_dropped_blur": 3}
    assert read_attributes(tmp_path / "ws" / first.uri, list(expected)) == expected
    monkeypatch.setattr("shazam.slides.tiles.open_slide", None)
    assert tiled(tmp_path, config, inked_px=80, blurred=True) == first


def test_a_slide_that_the_filters_leave_empty_is_quarantined_with_the_counts(tmp_path):
    config = TilingConfig(max_pen_fraction=0.1, min_sharpness=30.0)
    slides = SlideSet((make_slide(tmp_path, "A", rgb=painted(inked_px=672, blurred=True)),))
    shared = {"slides_dir": tmp_path, "config": config, "workspace": Workspace(tmp_path / "ws")}
    valid = validate_slides(slides, cohort_ref=COHORT_REF, progress=silent("validate"), **shared)
    assert valid.quarantine == ()
    manifest = tile_slides(valid, progress=silent("tile"), **shared)
    (entry,) = manifest.quarantine
    assert (entry.stage, entry.reason) == ("tile", "no_tissue")
    assert "none of 3 tiles: 3 for blur" in entry.message
    assert "tiling.min_sharpness" in entry.message


def test_the_user_is_told_of_slides_that_lost_tiles(tmp_path):
    config = TilingConfig(min_sharpness=30.0)
    slides = SlideSet(
        (
            make_slide(tmp_path, "A", rgb=painted(blurred=True)),
            make_slide(tmp_path, "B", rgb=painted()),
        )
    )
    shared = {"slides_dir": tmp_path, "config": config, "workspace": Workspace(tmp_path / "ws")}
    ref = CohortRef(uri="cohorts/x", sha256="0" * 64, n_cases=2, n_slides=2)
    valid = validate_slides(slides, cohort_ref=ref, progress=silent("validate"), **shared)
    stream = io.StringIO()
    tile_slides(valid, progress=lambda total: LineProgress("tile", total, stream=stream), **shared)
    assert "tile: A: 3 tiles kept, 0 dropped for pen, 3 for blur\n" in stream.getvalue()
    assert "B:" not in stream.getvalue()


@pytest.mark.parametrize("setting", [{"max_pen_fraction": 0.2}, {"min_sharpness": 30.0}])
def test_a_filter_changes_the_key_of_tiles_but_not_what_validation_found(tmp_path, setting):
    slide = make_slide(tmp_path)
    valid = validate_slide(tmp_path / slide.path, slide=slide, config=OFF)
    config = TilingConfig(**setting)
    assert digest_of(TilesKey.of(valid, config=config)) != digest_of(TilesKey.of(valid, config=OFF))
    keys = [digest_of(FindingsKey.of(slide.sha256, config=found)) for found in (config, OFF)]
    assert keys[0] == keys[1]
