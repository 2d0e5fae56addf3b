import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.slides.grid import TileGrid, TileSpec
from shazam.slides.overlay import TILE_COLOUR, TISSUE_COLOUR, overlay

GREY = np.full((60, 80, 3), 200, np.uint8)


def grid_of(coords, *, tile_um=100.0):
    spec = TileSpec(mpp=0.5, tile_um=tile_um, tile_px=224, level=0, downsample=1.0)
    coords = np.array(coords, np.int32).reshape(-1, 2)
    return TileGrid(
        spec=spec, coords_level0=coords, tissue_fraction=np.ones(len(coords), np.float32)
    )


def test_tiles_are_framed_and_tinted_and_the_rest_is_left():
    drawn = overlay(GREY, mask=None, grid=grid_of([[200, 200]]), downsample=10.0)
    changed = (drawn != GREY).any(axis=-1)
    y, x = np.nonzero(changed)
    assert (x.min(), x.max(), y.min(), y.max()) == (20, 40, 20, 40)
    assert (drawn[20, 20:41] == TILE_COLOUR).all()
    assert (drawn[30, 30] < 200).any()


def test_tiles_too_small_for_frames_share_an_outline():
    coords = [[x * 20, y * 20] for y in range(10) for x in range(20)]
    drawn = overlay(GREY, mask=None, grid=grid_of(coords, tile_um=10.0), downsample=10.0)
    assert (drawn[0, :40] == TILE_COLOUR).all()
    assert not (drawn[10, 20] == TILE_COLOUR).all()


def test_the_outline_of_the_tissue_is_drawn_and_nothing_in_it():
    mask = np.zeros((60, 80), bool)
    mask[10:30, 10:50] = True
    drawn = overlay(GREY, mask=mask, grid=None, downsample=10.0)
    outlined = (drawn == TISSUE_COLOUR).all(axis=-1)
    assert outlined[10, 10:50].all()
    assert not outlined[15:25, 15:45].any()
    assert (drawn[~outlined] == 200).all()


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    coords=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 2000)), max_size=5),
    downsample=st.floats(1.0, 500.0),
    side_px=st.integers(1, 40),
)
def test_any_grid_on_any_picture_keeps_its_shape_and_the_picture(coords, downsample, side_px):
    rgb = np.full((side_px, side_px + 1, 3), 90, np.uint8)
    mask = np.ones(rgb.shape[:2], bool)
    drawn = overlay(rgb, mask=mask, grid=grid_of(coords), downsample=downsample)
    assert (drawn.shape, drawn.dtype) == (rgb.shape, rgb.dtype)
    assert (rgb == 90).all()
