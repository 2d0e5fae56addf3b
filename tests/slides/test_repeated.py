"""Slides too large to decode: what repeats is decoded once, and nothing is lost."""

import time

import imagecodecs
import numpy as np
import pytest
import tifffile

from shazam.config.tiling import TilingConfig
from shazam.errors import NoTissueError
from shazam.slides.reader import open_slide
from shazam.slides.repeated import repeated_tiles
from shazam.slides.survey import survey
from tests.slides.made import EOSIN, make_slide, tissue_picture

TILE_PX = 256
GLASS = np.full((TILE_PX, TILE_PX, 3), 244, np.uint8)


def write_giant(path, dims_px, *, tissue_at=(), empty=GLASS):
    """Write a tiled TIFF of one level; its tiles are encoded once, so it is written quickly."""
    columns, rows = (-(-side // TILE_PX) for side in dims_px)
    glass, tissue = (
        imagecodecs.jpeg8_encode(tile, level=90) for tile in (empty, np.full_like(GLASS, EOSIN))
    )
    tiles = (
        tissue if (column, row) in tissue_at else glass
        for row in range(rows)
        for column in range(columns)
    )
    with tifffile.TiffWriter(path) as writer:
        writer.write(
            tiles,
            shape=(dims_px[1], dims_px[0], 3),
            dtype=np.uint8,
            photometric="ycbcr",
            tile=(TILE_PX, TILE_PX),
            compression="jpeg",
            resolution=(20_000, 20_000),
            resolutionunit="CENTIMETER",
        )


def test_a_blank_slide_200000_pixels_wide_is_surveyed_in_seconds(tmp_path):
    write_giant(tmp_path / "S1.tiff", (200_000, 3_000))
    start = time.process_time()
    with open_slide(tmp_path / "S1.tiff") as reader, pytest.raises(NoTissueError):
        survey(reader, mpp=0.5, config=TilingConfig())
    assert time.process_time() - start < 10


def test_the_tissue_of_a_giant_slide_is_found_where_it_is(tmp_path):
    write_giant(tmp_path / "S1.tiff", (150_000, 2_000), tissue_at={(300, 3), (301, 3)})
    with open_slide(tmp_path / "S1.tiff") as reader:
        overview = reader.overview(downsample=16.0)
    y, x = np.nonzero(overview[..., 1] < 180)
    assert (x.min() // 16, x.max() // 16, y.min() // 16, y.max() // 16) == (300, 301, 3, 3)


def test_looking_for_repeats_changes_no_pixel(tmp_path, monkeypatch):
    write_giant(tmp_path / "S1.tiff", (3_000, 2_000), tissue_at={(3, 3), (4, 3)})
    overviews = []
    for limit in (1 << 40, 0):
        monkeypatch.setattr("shazam.slides.reader._MANY_PIXELS", limit)
        monkeypatch.setattr("shazam.slides.reader._BLOCK_PX", 300)
        with open_slide(tmp_path / "S1.tiff") as reader:
            overviews.append(reader.overview(downsample=10.0))
    assert np.array_equal(*overviews)


def test_tiles_that_repeat_a_texture_are_read(tmp_path, monkeypatch):
    write_giant(tmp_path / "S1.tiff", (1_024, 1_024), empty=tissue_picture(TILE_PX, TILE_PX))
    overviews = []
    for limit in (1 << 40, 0):
        monkeypatch.setattr("shazam.slides.reader._MANY_PIXELS", limit)
        with open_slide(tmp_path / "S1.tiff") as reader:
            overviews.append(reader.overview(downsample=8.0))
    assert np.array_equal(*overviews)
    assert overviews[0].std() > 1


def test_where_nothing_repeats_or_no_tiff_is_there_nothing_is_told(tmp_path):
    make_slide(tmp_path, rgb=tissue_picture(1024, 1024))
    assert repeated_tiles(tmp_path / "S1.tiff", dims_px=(1024, 1024)) is None
    assert repeated_tiles(tmp_path / "S1.tiff", dims_px=(1, 1)) is None
    (tmp_path / "text.tiff").write_text("no TIFF")
    assert repeated_tiles(tmp_path / "text.tiff", dims_px=(512, 512)) is None
