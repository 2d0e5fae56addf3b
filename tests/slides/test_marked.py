"""Pictures of slides on which a few tiles are outlined."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from shazam.digest import digest_of
from shazam.errors import SlideChangedError
from shazam.slides.marked import LONGEST_PX, Mark, MarkedKey, draw_marks, keep_marked
from shazam.workspace import Workspace
from tests.slides.made import make_slide

WHITE = np.full((300, 400, 3), 255, np.uint8)
MARKS = (Mark(1, 400, 200, 100), Mark(2, 0, 0, 100))


def bluish(picture: Image.Image) -> np.ndarray:
    pixels = np.asarray(picture).astype(int)
    return pixels[..., 2] > pixels[..., 0] + 60


def test_a_tile_is_outlined_where_it_lies_and_not_filled():
    blue = bluish(draw_marks(WHITE, marks=[Mark(1, 400, 200, 200)], downsample=2.0))
    assert blue[100:201, 200].all()  # left edge: x 400 / 2, y from 200 / 2 to 400 / 2
    assert blue[100, 200:301].all()
    assert blue[200, 200:301].all()
    assert not blue[150, 250]
    assert not blue[:95].any()
    assert not blue[:, 305:].any()


def test_a_tiny_tile_has_a_frame_that_can_be_seen_around_its_centre():
    blue = bluish(draw_marks(WHITE, marks=[Mark(1, 20_000, 10_000, 200)], downsample=100.0))
    rows, columns = np.nonzero(blue[:, :209])
    assert columns.max() - columns.min() >= 10
    assert (columns.min() + columns.max()) / 2 == pytest.approx(201, abs=1)
    assert (rows.min() + rows.max()) / 2 == pytest.approx(101, abs=1)


@pytest.mark.parametrize("x_level0", [0, 39_900])
def test_the_number_of_a_tile_stays_inside_the_picture(x_level0):
    marked = draw_marks(WHITE, marks=[Mark(8, x_level0, 15_000, 100)], downsample=100.0)
    frame_only = np.zeros((300, 400), bool)
    frame_only[143:159, max(0, x_level0 // 100 - 8) : x_level0 // 100 + 9] = True
    assert (bluish(marked) & ~frame_only).sum() > 10


def test_the_picture_is_small_and_repeats_from_another_folder(tmp_path):
    slide = make_slide(tmp_path / "slides")
    first = keep_marked(
        tmp_path / "slides" / slide.path,
        slide=slide,
        marks=MARKS,
        workspace=Workspace(tmp_path / "ws"),
    )
    shutil.copytree(tmp_path / "slides", tmp_path / "moved")
    again = keep_marked(
        tmp_path / "moved" / slide.path,
        slide=slide,
        marks=MARKS,
        workspace=Workspace(tmp_path / "other"),
    )
    assert again == first
    with Image.open(Workspace(tmp_path / "ws").open(first.uri, first.sha256)) as picture:
        assert max(picture.size) == LONGEST_PX
        assert not picture.getexif()


def test_a_picture_that_is_there_is_taken_and_a_harmed_one_made_anew(tmp_path, monkeypatch):
    slide, workspace = make_slide(tmp_path), Workspace(tmp_path / "ws")

    def keep():
        return keep_marked(tmp_path / slide.path, slide=slide, marks=MARKS, workspace=workspace)

    first = keep()
    with monkeypatch.context() as patched:
        patched.setattr("shazam.slides.marked.open_slide", None)
        assert keep() == first
    workspace.path(first.uri).write_bytes(b"harmed")
    assert keep() == first
    workspace.open(first.uri, first.sha256)


def test_a_slide_that_is_gone_or_changed_gives_no_picture(tmp_path):
    slide, workspace = make_slide(tmp_path), Workspace(tmp_path / "ws")
    for wrong in (replace(slide, size_bytes=1), replace(slide, sha256="0" * 64)):
        with pytest.raises(SlideChangedError):
            keep_marked(tmp_path / slide.path, slide=wrong, marks=MARKS, workspace=workspace)
    with pytest.raises(SlideChangedError, match="gone"):
        keep_marked(tmp_path / "x.tiff", slide=slide, marks=MARKS, workspace=workspace)
    assert not (tmp_path / "ws").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"slide_sha256": "1" * 64},
        {"marks": MARKS[:1]},
        {"marks": MARKS[::-1]},
        {"marks": (replace(MARKS[0], side_level0=99), MARKS[1])},
        {"longest_px": 256},
        {"look": "x"},
    ],
)
def test_every_part_of_the_key_counts(change):
    key = MarkedKey("0" * 64, MARKS)
    assert digest_of(replace(key, **change)) != digest_of(key)
