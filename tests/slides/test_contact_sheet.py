import io
from functools import partial

import numpy as np
import pytest
from PIL import Image

from shazam.config.tiling import TilingConfig
from shazam.slides.contact_sheet import Cell, compose, thumbnail_of
from shazam.slides.tiles import tile_slides
from shazam.slides.validate import validate_slides
from shazam.workspace import Workspace
from tests.slides.made import COHORT_REF, SlideSet, make_slide, silent, tissue_picture

CONFIG = TilingConfig()


def tiled(folder, root):
    slides = SlideSet(
        (
            make_slide(folder, "A", rgb=tissue_picture(margin_px=150)),
            make_slide(folder, "B", mpp=None),
        )
    )
    common = {"slides_dir": folder, "config": CONFIG, "workspace": Workspace(root)}
    valid = validate_slides(slides, cohort_ref=COHORT_REF, progress=silent("validate"), **common)
    return partial(tile_slides, valid, progress=silent("tile"), **common)


def test_every_slide_has_a_cell_and_equal_cohorts_equal_bytes(tmp_path):
    first = tiled(tmp_path, tmp_path / "ws")().contact_sheet
    assert tiled(tmp_path, tmp_path / "other")().contact_sheet == first
    path = Workspace(tmp_path / "ws").open(first.uri, first.sha256)
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    reddish = (pixels[..., 0] > 240) & (pixels[..., 1] < 240) & (pixels[..., 1] > 225)
    bluish = pixels[..., 2] > pixels[..., 0] + 40
    assert reddish.mean() > 0.1
    assert bluish.sum() > 100


def test_a_second_run_makes_no_picture_and_a_lost_one_is_made_anew(tmp_path, monkeypatch):
    run = tiled(tmp_path, tmp_path / "ws")
    first = run()
    workspace = Workspace(tmp_path / "ws")
    thumbnail = thumbnail_of(workspace.path(first.slides[0].uri))
    content = thumbnail.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("shazam.slides.contact_sheet.open_slide", None)
        patched.setattr("shazam.slides.contact_sheet.compose", None)
        assert run() == first
    thumbnail.unlink()
    assert run() == first
    assert thumbnail.read_bytes() == content
    thumbnail.write_bytes(content[:-9])
    workspace.path(first.contact_sheet.uri).write_bytes(b"harmed")
    assert run() == first
    workspace.open(first.contact_sheet.uri, first.contact_sheet.sha256)


def test_pictures_carry_no_time_and_no_name(tmp_path):
    manifest = tiled(tmp_path, tmp_path / "ws")()
    path = Workspace(tmp_path / "ws").path(manifest.contact_sheet.uri)
    with Image.open(path) as sheet:
        assert not sheet.getexif()
        assert set(sheet.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


@pytest.mark.parametrize("n_slides", [0, 1, 7, 300, 1_500])
def test_a_sheet_is_never_larger_than_its_bound(n_slides):
    cells = [Cell(f"a-rather-long-slide-id-{i}", None, "no_tissue") for i in range(n_slides)]
    sheet = compose(cells, thumbnails={})
    assert sheet.width * sheet.height < 1.1 * (1 << 25)
    buffer = io.BytesIO()
    sheet.save(buffer, format="JPEG")
    assert max(sheet.size) < 16_384


def test_beyond_its_bound_a_sheet_says_what_it_leaves_out(monkeypatch):
    monkeypatch.setattr("shazam.slides.contact_sheet._MAX_PIXELS", 100_000)
    said = []
    monkeypatch.setattr(
        "PIL.ImageDraw.ImageDraw.text", lambda self, spot, text, **more: said.append(text)
    )
    cells = [Cell(f"S{i}", None, "no_tissue") for i in range(200)]
    compose(cells, thumbnails={})
    assert said[0].startswith("200 slides, 200 set aside (red); only the first ")
    assert 10 < len(said) < 150
