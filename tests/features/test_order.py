"""The order of reading: every tile once, block by block, and back again."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.features.order import in_grid_order, reading_order
from shazam.slides.grid import TileGrid, TileSpec

SPEC = TileSpec(mpp=0.25, tile_um=112.0, tile_px=224, level=0, downsample=1.0)


def grid_of(places) -> TileGrid:
    coords = np.array(sorted(places, key=lambda place: place[::-1]), np.int32) * 448
    return TileGrid(SPEC, coords, np.ones(len(coords), np.float32))


PLACES = st.sets(st.tuples(st.integers(0, 60), st.integers(0, 40)), min_size=1, max_size=200)


@settings(derandomize=True, deadline=None)
@given(PLACES)
def test_every_tile_is_read_once_and_rows_come_back_in_the_grids_order(places):
    grid = grid_of(places)
    order = reading_order(grid)
    assert sorted(order) == list(range(grid.n_tiles))
    rows = np.arange(grid.n_tiles, dtype=np.float16)[:, None]
    assert np.array_equal(in_grid_order(rows[order], order), rows)


def test_a_full_wide_slide_is_read_in_blocks_of_32_tiles():
    grid = grid_of({(x, y) for x in range(64) for y in range(8)})
    batches = grid.coords_level0[reading_order(grid)].reshape(-1, 32, 2)
    spans = (np.ptp(batches, axis=1) // 448 + 1).tolist()
    assert spans == [[8, 4]] * 16
