"""What a teacher sees must not depend on the scanner: objective, pyramid, position."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shazam.config.tiling import TilingConfig
from shazam.demo.paint import paint_section
from shazam.demo.pyramid import enlarge
from shazam.slides.grid import choose_spec
from shazam.slides.reader import open_slide
from shazam.slides.survey import survey
from shazam.slides.tile_pixels import read_tile
from tests.slides.made import make_slide

CONFIG = TilingConfig()
PROPERTY = settings(deadline=None, max_examples=40, derandomize=True)


@dataclass(frozen=True)
class SmoothSlide:
    """A slide whose colour is a smooth function of the place in micrometres, seen at any level."""

    mpp: float
    level_downsamples: tuple[float, ...]

    def read_image(self, x_level0, y_level0, *, level, width_px, height_px):
        downsample = self.level_downsamples[level]
        x_um = (x_level0 + (np.arange(width_px) + 0.5) * downsample) * self.mpp
        y_um = (y_level0 + (np.arange(height_px) + 0.5) * downsample) * self.mpp
        return Image.fromarray(picture(x_um, y_um))


def picture(x_um, y_um):
    waves = [
        np.sin(x_um[None, :] / 23.0) + 0.0 * y_um[:, None],
        np.sin(y_um[:, None] / 31.0) + 0.0 * x_um[None, :],
        np.sin(x_um[None, :] / 40.0 + y_um[:, None] / 17.0),
    ]
    return np.clip(128 + 90 * np.stack(waves, axis=-1), 0, 255).astype(np.uint8)


@PROPERTY
@given(
    mpp=st.floats(0.2, 0.55),
    downsamples=st.lists(
        st.sampled_from([2.0, 2.0005, 3.98, 4.0001, 8.03]) | st.floats(1.1, 10), max_size=4
    ).map(lambda found: (1.0, *sorted(found))),
    column=st.integers(0, 40),
    row=st.integers(0, 40),
)
def test_tiles_show_the_same_place_at_the_same_size_on_every_pyramid(mpp, downsamples, column, row):
    slide = SmoothSlide(mpp, downsamples)
    spec = choose_spec(mpp=mpp, level_downsamples=downsamples, config=CONFIG)
    x_level0, y_level0 = (round(number * CONFIG.tile_um / mpp) for number in (column, row))
    tile = read_tile(slide, x_level0=x_level0, y_level0=y_level0, spec=spec)
    place_um = (np.arange(224) + 0.5) * 0.5
    expected = picture(column * 112.0 + place_um, row * 112.0 + place_um)
    assert tile.shape == (224, 224, 3)
    # a pixel of 0.5 micrometres changes a wave by at most 90 * 0.5 / 17 = 2.7 grey levels
    assert np.abs(tile.astype(int) - expected).mean() < 2.7
    assert np.abs(tile.astype(int) - expected).max() < 12


def tiles_of(path, mpp):
    with open_slide(path) as reader:
        grid = survey(reader, mpp=mpp, config=CONFIG).grid
        tiles = [
            read_tile(reader, x_level0=x, y_level0=y, spec=grid.spec)
            for x, y in grid.coords_level0.tolist()
        ]
    return grid, np.stack(tiles)


@pytest.mark.parametrize(("factor", "n_levels"), [(2, 1), (2, 3), (4, 2)])
def test_a_finer_objective_gives_the_same_tiles_and_nearly_the_same_pixels(
    tmp_path, factor, n_levels
):
    section = paint_section((1, 2), risk=0.0, site=0)
    coarse = make_slide(tmp_path, "x20", rgb=section, mpp=0.5)
    rgb = enlarge(section, factor=factor)
    fine = make_slide(tmp_path, "x40", rgb=rgb, mpp=0.5 / factor, n_levels=n_levels)
    grid, tiles = tiles_of(tmp_path / coarse.path, 0.5)
    grid_fine, tiles_fine = tiles_of(tmp_path / fine.path, 0.5 / factor)
    assert grid_fine.n_tiles == grid.n_tiles > 6
    places_um = grid_fine.coords_level0 * grid_fine.spec.mpp
    assert np.abs(places_um - grid.coords_level0 * 0.5).max() <= 0.5
    assert np.abs(grid_fine.tissue_fraction - grid.tissue_fraction).max() < 0.03
    assert np.abs(tiles.astype(int) - tiles_fine).mean() < 4.0
