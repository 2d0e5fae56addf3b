"""Write a picture as a pyramidal tiled TIFF that OpenSlide reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

RgbArray = npt.NDArray[np.uint8]

_TILE_PX = 256
_JPEG_QUALITY = 85


def write_pyramid(path: Path, rgb: RgbArray, *, mpp: float | None, n_levels: int) -> None:
    """Write level 0 and its halves; the file holds no time and no name.

    Args:
        path: the file.
        rgb: level 0, uint8 ``[height, width, 3]``.
        mpp: micrometres per pixel, written as a resolution per centimetre; None writes none.
        n_levels: number of levels, each half as wide as the one before.
    """
    with tifffile.TiffWriter(path) as writer:
        for level in range(n_levels):
            resolution = None if mpp is None else (10_000 / mpp / 2**level,) * 2
            writer.write(
                rgb if level == 0 else _reduced(rgb, factor=2**level),
                photometric="rgb",
                tile=(_TILE_PX, _TILE_PX),
                compression="jpeg",
                compressionargs={"level": _JPEG_QUALITY},
                subfiletype=int(level > 0),
                resolution=resolution,
                resolutionunit=None if mpp is None else "CENTIMETER",
                metadata=None,
                software="shazam",
            )


def enlarge(rgb: RgbArray, *, factor: int) -> RgbArray:
    """Return the picture enlarged, as a finer objective would see it."""
    height_px, width_px = rgb.shape[:2]
    size_px = (width_px * factor, height_px * factor)
    return np.asarray(Image.fromarray(rgb).resize(size_px, Image.Resampling.BICUBIC))


def _reduced(rgb: RgbArray, *, factor: int) -> RgbArray:
    return np.asarray(Image.fromarray(rgb).reduce(factor))
