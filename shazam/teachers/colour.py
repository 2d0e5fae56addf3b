"""Colour statistics: the handcrafted encoder that a pretrained one has to beat."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from shazam.config.extraction import Precision
from shazam.errors import ConfigError
from shazam.manifests import LevelDims, TeacherIdentity
from shazam.teachers.prepare import Tiles

Float32Array = npt.NDArray[np.float32]
RgbArray = npt.NDArray[np.uint8]

DIMS = LevelDims(low=6, mid=27, high=75)
_INPUT_PX = 224

_PERCENTILES = (5.0, 25.0, 50.0, 75.0, 95.0)
_N_BINS = 16


class ColourStatistics:
    """Statistics of a tile's colours; each level holds the one below it.

    low: mean and deviation of R, G, B. mid: also of their optical density, and five percentiles.
    high: also histograms of 16 bins. All are at most of the order of one.
    """

    def __init__(self, identity: TeacherIdentity) -> None:
        """Take the name and licence of the catalogue's entry.

        Raises:
            ConfigError: the entry says other widths than are computed.
        """
        if identity.dims != DIMS:
            raise ConfigError(
                f"teacher '{identity.name}': colour_statistics has the dims "
                f"{'/'.join(map(str, DIMS.widths().values()))}; correct dims"
            )
        self.identity = identity
        self.device_type = "cpu"
        self.precision = Precision.FLOAT32.value
        self.input_px = _INPUT_PX  # any side will do; this is what other teachers see

    def encode(self, tiles: Tiles) -> dict[str, Float32Array]:
        """Encode tiles.

        Args:
            tiles: uint8 ``[n_tiles, height, width, 3]``, an array or a tensor.

        Returns:
            float32 ``[n_tiles, dim]`` by level name.
        """
        array = tiles if isinstance(tiles, np.ndarray) else tiles.cpu().numpy()
        pixels = array.reshape(len(array), -1, 3)
        histogram = _histograms(pixels)
        values = np.arange(256) / 255.0
        density = -np.log10((np.arange(256) + 1.0) / 256.0)
        low = np.concatenate(_moments(histogram, values), axis=1)
        percentiles = np.percentile(pixels, _PERCENTILES, axis=1) / 255.0
        flat = np.moveaxis(percentiles, 0, 1).reshape(len(array), -1)
        mid = np.concatenate([low, *_moments(histogram, density), flat], axis=1)
        bins = histogram.reshape(len(array), 3, _N_BINS, -1).sum(axis=3)
        high = np.concatenate([mid, bins.reshape(len(array), -1)], axis=1)
        levels = {"low": low, "mid": mid, "high": high}
        return {level: array.astype(np.float32) for level, array in levels.items()}


def _histograms(pixels: RgbArray) -> npt.NDArray[np.float64]:
    """Return the fraction of pixels of each value, ``[n_tiles, 3, 256]``."""
    n_tiles, n_pixels, _ = pixels.shape
    counts = [
        np.bincount(pixels[tile, :, channel], minlength=256)
        for tile in range(n_tiles)
        for channel in range(3)
    ]
    fractions: npt.NDArray[np.float64] = np.asarray(counts, np.float64) / n_pixels
    return fractions.reshape(n_tiles, 3, 256)


def _moments(
    histogram: npt.NDArray[np.float64], values: npt.NDArray[np.float64]
) -> list[npt.NDArray[np.float64]]:
    """Return mean and standard deviation of each channel, ``[n_tiles, 3]`` each."""
    mean = histogram @ values
    variance = histogram @ values**2 - mean**2
    return [mean, np.sqrt(np.clip(variance, 0.0, None))]
