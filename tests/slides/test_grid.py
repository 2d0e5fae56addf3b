import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.config.tiling import TilingConfig
from shazam.errors import TooCoarseError
from shazam.slides.grid import TileSpec, area_fractions, choose_spec, tile_grid

PROPERTY = settings(deadline=None, max_examples=60, derandomize=True)
CONFIG = TilingConfig()


def grid_of(mask, spec, dims_px, *, mask_downsample=10.0, least=0.0):
    return tile_grid(
        mask,
        spec=spec,
        dims_px=dims_px,
        mask_downsample=mask_downsample,
        min_tissue_fraction=least,
    )


def test_the_worked_example_of_the_docstring():
    """Each sentence of the example is made from numbers that the code gives, and looked for."""
    told = " ".join(str(TileSpec.__doc__).split())
    assert CONFIG.tile_um / CONFIG.tile_px == 0.5
    assert "``tile_um`` 112 and ``tile_px`` 224 ask for 0.5 micrometres a pixel" in told
    coarse = choose_spec(mpp=0.25, level_downsamples=(1.0, 4.0, 16.0), config=CONFIG)
    fine = choose_spec(mpp=0.25, level_downsamples=(1.0, 2.0, 4.0), config=CONFIG)
    assert f"112 / 0.25 = {coarse.tile_px_level0} level-0 pixels wide" in told
    refused_mpp = 4.0 * coarse.mpp
    assert f"Level 1 has {refused_mpp} micrometre a pixel" in told
    assert refused_mpp / 0.5 == 2.0
    assert "enlarged twice, so level 0 is read" in told
    assert coarse.level == 0
    assert f"{coarse.tile_px_level} level pixels, resampled to {CONFIG.tile_px} tile pixels" in told
    assert (fine.level, fine.tile_px_level) == (1, CONFIG.tile_px)
    assert f"level 1 fits: {fine.tile_px_level} level pixels and nothing to resample" in told
    for spec in (coarse, fine):
        grid = grid_of(np.ones((100, 200), bool), spec, (2000, 1000))
        x, y = grid.coords_level0[2].tolist()
        assert f"x = 2 * {spec.tile_px_level0} = {x}, y = {y}, in level-0 pixels" in told


@PROPERTY
@given(
    mpp=st.floats(0.1, 0.55),
    downsamples=st.lists(st.floats(1.01, 40), max_size=5).map(lambda d: (1.0, *sorted(d))),
)
def test_never_enlarged_more_than_allowed_and_no_coarser_level_would_do(mpp, downsamples):
    spec = choose_spec(mpp=mpp, level_downsamples=downsamples, config=CONFIG)
    target_mpp = CONFIG.tile_um / CONFIG.tile_px
    assert mpp * spec.downsample <= target_mpp * CONFIG.max_upsampling
    for downsample in downsamples:
        if downsample > spec.downsample:
            assert mpp * downsample > target_mpp * CONFIG.max_upsampling


def test_a_slide_that_is_too_coarse_is_named_so():
    with pytest.raises(TooCoarseError, match="max_upsampling"):
        choose_spec(mpp=1.0, level_downsamples=(1.0, 4.0), config=CONFIG)
    allowed = TilingConfig(max_upsampling=2.0)
    assert choose_spec(mpp=1.0, level_downsamples=(1.0, 4.0), config=allowed).tile_px_level == 112


@PROPERTY
@given(
    mpp=st.floats(0.2, 0.55),
    width_px=st.integers(1, 4000),
    height_px=st.integers(1, 3000),
)
def test_tiles_lie_inside_without_gap_or_overlap(mpp, width_px, height_px):
    spec = TileSpec(mpp=mpp, tile_um=112.0, tile_px=224, level=0, downsample=1.0)
    mask = np.ones((max(1, height_px // 10), max(1, width_px // 10)), bool)
    grid = grid_of(mask, spec, (width_px, height_px))
    exact_px = 112.0 / mpp
    for axis, side_px in ((0, width_px), (1, height_px)):
        corners = np.unique(grid.coords_level0[:, axis])
        assert (corners >= 0).all()
        assert (corners + spec.tile_px_level0 <= side_px).all()
        assert np.allclose(corners, np.arange(len(corners)) * exact_px, atol=0.5)
    if grid.n_tiles:
        assert side_px - (corners[-1] + exact_px) <= exact_px + 1
        assert np.allclose(grid.tissue_fraction, 1.0)


@PROPERTY
@given(seed=st.integers(0, 10_000))
def test_tissue_fraction_is_the_area_of_tissue_in_the_tile(seed):
    mask = np.random.default_rng(seed).random((30, 40)) < 0.5
    spec = TileSpec(mpp=0.5, tile_um=37.0, tile_px=224, level=0, downsample=1.0)
    grid = grid_of(mask, spec, (400, 300))
    pixels = np.kron(mask, np.ones((10, 10)))
    for (x, y), fraction in zip(grid.coords_level0, grid.tissue_fraction, strict=True):
        tile = pixels[y : y + spec.tile_px_level0, x : x + spec.tile_px_level0]
        assert fraction == pytest.approx(tile.mean(), abs=1e-6)


@PROPERTY
@given(mpp=st.sampled_from([0.2, 0.25]), factor=st.sampled_from([1.25, 2.0]))
def test_the_same_tissue_gives_the_same_tiles_at_any_resolution(mpp, factor):
    mask = np.random.default_rng(3).random((50, 60)) < 0.6
    grids = []
    for value in (mpp, mpp * factor):
        spec = choose_spec(mpp=value, level_downsamples=(1.0,), config=CONFIG)
        dims_px = (round(60 * 8 / value), round(50 * 8 / value))
        grids.append(grid_of(mask, spec, dims_px, mask_downsample=8 / value, least=0.5))
    assert grids[0].n_tiles == grids[1].n_tiles
    micrometres = [grid.coords_level0 * grid.spec.mpp for grid in grids]
    assert np.allclose(*micrometres, atol=0.5)


@PROPERTY
@given(
    mpp=st.floats(0.2, 0.55),
    downsamples=st.lists(
        st.sampled_from([2.0, 2.0005, 3.98, 4.0001, 8.03, 16.002]) | st.floats(1.1, 40), max_size=5
    ).map(lambda found: (1.0, *sorted(found))),
    tile_um=st.floats(60, 600),
)
def test_the_physical_size_is_right_within_a_pixel_of_the_level_that_is_read(
    mpp, downsamples, tile_um
):
    config = TilingConfig(tile_um=tile_um, tile_px=max(32, int(tile_um / 0.55)))
    spec = choose_spec(mpp=mpp, level_downsamples=downsamples, config=config)
    pixel_um = mpp * spec.downsample
    assert abs(spec.tile_px_level * pixel_um - tile_um) <= pixel_um / 2 + 1e-9
    assert abs(spec.tile_px_level0 * mpp - tile_um) <= mpp / 2 + 1e-9


@PROPERTY
@given(seed=st.integers(0, 10_000), mask_downsample=st.floats(3.0, 40.0))
def test_any_mask_is_measured_over_the_tiles_of_another(seed, mask_downsample):
    rng = np.random.default_rng(seed)
    tissue, pen = rng.random((2, 30, 40)) < 0.5
    spec = TileSpec(mpp=0.5, tile_um=37.0, tile_px=224, level=0, downsample=1.0)
    dims_px = (int(40 * mask_downsample), int(30 * mask_downsample))
    grid = grid_of(tissue, spec, dims_px, mask_downsample=mask_downsample, least=0.5)
    inked = area_fractions(pen, grid=grid, mask_downsample=mask_downsample)
    over_pen = grid_of(pen, spec, dims_px, mask_downsample=mask_downsample)
    expected = dict(zip(map(tuple, over_pen.coords_level0), over_pen.tissue_fraction, strict=True))
    for corner, fraction in zip(map(tuple, grid.coords_level0), inked, strict=True):
        assert fraction == pytest.approx(expected.get(corner, 0.0), abs=1e-6)


def test_a_huge_slide_with_small_tiles_needs_little_memory():
    """200,000 x 100,000 pixels, tiles of 16 micrometres: 4.9 million places for a tile."""
    mask = np.zeros((3125, 6250), bool)
    mask[1000:1010, 2000:2010] = True
    spec = TileSpec(mpp=0.25, tile_um=16.0, tile_px=32, level=0, downsample=1.0)
    tracemalloc.start()
    grid = grid_of(mask, spec, (200_000, 100_000), mask_downsample=32.0, least=0.5)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grid.n_tiles == 5 * 5
    assert peak_bytes < 20e6


def test_only_tiles_with_enough_tissue_are_kept():
    mask = np.zeros((44, 88), bool)
    mask[:, :20] = True
    spec = TileSpec(mpp=0.5, tile_um=110.0, tile_px=220, level=0, downsample=1.0)
    assert grid_of(mask, spec, (880, 440), least=0.5).coords_level0.tolist() == [[0, 0], [0, 220]]
    assert grid_of(mask, spec, (880, 440), least=0.95).n_tiles == 0
    assert grid_of(np.zeros_like(mask), spec, (880, 440), least=0.0).n_tiles == 0


def test_a_slide_smaller_than_a_tile_has_none():
    spec = TileSpec(mpp=0.5, tile_um=112.0, tile_px=224, level=0, downsample=1.0)
    assert grid_of(np.ones((1, 1), bool), spec, (1, 1)).n_tiles == 0
