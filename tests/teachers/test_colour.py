import numpy as np
import pytest

from shazam.errors import ConfigError
from shazam.manifests import LevelDims
from shazam.teachers.colour import ColourStatistics
from shazam.teachers.encoder import load_encoder


@pytest.fixture(scope="module")
def encoder():
    return load_encoder("colour_statistics", device="cpu")


def test_levels_are_growing_sets_of_the_catalogued_widths(encoder):
    tiles = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    levels = encoder.encode(tiles)
    dims = encoder.identity.dims
    assert {name: array.shape for name, array in levels.items()} == {
        "low": (3, dims.low),
        "mid": (3, dims.mid),
        "high": (3, dims.high),
    }
    assert np.array_equal(levels["high"][:, : dims.mid], levels["mid"])
    assert np.array_equal(levels["mid"][:, : dims.low], levels["low"])


def test_moments_and_histogram_by_hand(encoder):
    tile = np.zeros((1, 2, 2, 3), np.uint8)
    tile[0, 0, :, 0] = 255
    levels = encoder.encode(tile)
    assert levels["low"][0] == pytest.approx([0.5, 0, 0, 0.5, 0, 0])
    histogram = levels["high"][0, -48:].reshape(3, 16)
    assert histogram[0] == pytest.approx([0.5, *[0] * 14, 0.5])
    assert histogram[1] == pytest.approx([1.0, *[0] * 15])


def test_the_order_of_pixels_does_not_matter(encoder):
    tile = np.random.default_rng(0).integers(0, 256, (1, 16, 16, 3), dtype=np.uint8)
    shuffled = np.random.default_rng(1).permutation(tile.reshape(-1, 3)).reshape(tile.shape)
    assert np.array_equal(encoder.encode(tile)["high"], encoder.encode(shuffled)["high"])


def test_an_entry_of_other_widths_is_refused(encoder):
    identity = encoder.identity.model_copy(update={"dims": LevelDims(low=6, mid=27, high=76)})
    with pytest.raises(ConfigError, match="has the dims 6/27/75; correct dims"):
        ColourStatistics(identity)
