"""Slides that hold no tissue, or nothing at all, get their reason; none needs much memory."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
import tifffile

from shazam.config.tiling import TilingConfig
from shazam.errors import NotBrightfieldError, NoTissueError
from shazam.slides.reader import open_slide
from shazam.slides.survey import survey
from shazam.slides.validate import validate_slide
from tests.slides.made import make_slide, tissue_picture

CONFIG = TilingConfig()
RED_INK, BLUE_INK, GREEN_INK, BLACK_INK = (
    *((215, 20, 25), (30, 90, 200), (40, 150, 110), (20, 20, 22)),
)


def glass(height_px=700, width_px=900, *, colour=244, noise=2):
    rng = np.random.default_rng(0)
    rgb = colour + rng.integers(-noise, noise + 1, (height_px, width_px, 3))
    return np.clip(rgb, 0, 255).astype(np.uint8)


def strokes(*colours):
    rgb = glass()
    for number, colour in enumerate(colours):
        rgb[100:600, 40 + 200 * number : 180 + 200 * number] = colour
    return rgb


def noise_only():
    return np.random.default_rng(0).integers(0, 256, (700, 900, 3)).astype(np.uint8)


def coarse_noise():
    """Dark and bright blotches of grey, as of dirt and shadows."""
    blotches = np.random.default_rng(0).integers(120, 250, (35, 45, 1))
    return np.kron(blotches, np.ones((20, 20, 3))).astype(np.uint8)


EMPTY = {
    "white": lambda: glass(colour=255, noise=0),
    "glass": glass,
    "grey": lambda: glass(colour=190),
    "noise": noise_only,
    "grey blotches": coarse_noise,
    "strong noise": lambda: glass(colour=225, noise=30),
    "red pen": lambda: strokes(RED_INK),
    "pens": lambda: strokes(RED_INK, BLUE_INK, GREEN_INK, BLACK_INK),
    "one pixel": lambda: glass(1, 1),
    "one row": lambda: glass(1, 900),
    "smaller than a tile": lambda: tissue_picture(200, 900),
}


def found(tmp_path, rgb):
    slide = make_slide(tmp_path, rgb=rgb)
    with open_slide(tmp_path / slide.path) as reader:
        return survey(reader, mpp=0.5, config=CONFIG)


@pytest.mark.parametrize("picture", EMPTY.values(), ids=EMPTY)
def test_a_slide_without_tissue_is_said_to_have_none(tmp_path, picture):
    with pytest.raises(NoTissueError, match="no tile of 112 micrometres holds 50% tissue"):
        found(tmp_path, picture())


@pytest.mark.parametrize("colour", [0, 8])
def test_a_black_slide_is_not_brightfield(tmp_path, colour):
    with pytest.raises(NotBrightfieldError):
        found(tmp_path, glass(colour=colour, noise=0))


@pytest.mark.parametrize("inside", ["glass", "tissue"])
def test_a_black_border_is_neither_tissue_nor_a_reason_to_refuse(tmp_path, inside):
    rgb = glass(1120, 1120) if inside == "glass" else tissue_picture(1120, 1120, margin_px=224)
    rgb[:200] = rgb[-200:] = rgb[:, :200] = rgb[:, -200:] = 6
    if inside == "glass":
        with pytest.raises(NoTissueError):
            found(tmp_path, rgb)
    else:
        expected = [[x, y] for y in (224, 448, 672) for x in (224, 448, 672)]
        assert found(tmp_path, rgb).grid.coords_level0.tolist() == expected


def test_validation_names_an_empty_slide_too(tmp_path):
    slide = make_slide(tmp_path, rgb=strokes(RED_INK, BLACK_INK))
    with pytest.raises(NoTissueError):
        validate_slide(tmp_path / slide.path, slide=slide, config=CONFIG)


def blank_tiles(n_tiles: int) -> Iterator[np.ndarray]:
    tile = np.full((256, 256, 3), 240, np.uint8)
    return (tile for _ in range(n_tiles))


def test_a_blank_slide_200_000_pixels_wide_needs_little_memory(tmp_path):
    path = tmp_path / "wide.tiff"
    shape = (256, 200_000, 3)
    with tifffile.TiffWriter(path) as writer:
        writer.write(
            blank_tiles(-(-shape[1] // 256)),
            shape=shape,
            dtype=np.uint8,
            photometric="rgb",
            tile=(256, 256),
            compression="zlib",
            resolution=(20_000, 20_000),
            resolutionunit="CENTIMETER",
        )
    with open_slide(path) as reader:
        assert reader.dims_px == (200_000, 256)
        tracemalloc.start()
        with pytest.raises(NoTissueError):
            survey(reader, mpp=0.5, config=CONFIG)
        _, peak_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak_bytes < 100e6
