"""A whole slide as one picture of a given size, and pictures as files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from shazam.publish import publish_sealed
from shazam.slides.reader import SlideReader

RgbArray = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]

_QUALITY = 85


def slide_picture(
    reader: SlideReader, *, longest_px: int, overview_downsample: float
) -> tuple[RgbArray, float]:
    """Return a picture of the whole slide, and the level-0 pixels that one of its pixels spans.

    A slide smaller than the picture is not enlarged.

    Args:
        reader: the open slide.
        longest_px: the longer side of the picture, at most.
        overview_downsample: that of the overview in which tissue is sought; a coarser picture is
            made of it, so that a large slide is read once.

    Returns:
        uint8 ``[height, width, 3]``, and the downsample.
    """
    downsample = max(1.0, max(reader.dims_px) / longest_px)
    if downsample <= overview_downsample:
        return reader.overview(downsample=downsample), downsample
    overview = reader.overview(downsample=overview_downsample)
    width_px, height_px = (max(1, int(side / downsample)) for side in reader.dims_px)
    shrunk = Image.fromarray(overview).resize((width_px, height_px), Image.Resampling.BOX)
    return np.asarray(shrunk), downsample


def fit_mask(mask: BoolArray, *, like: RgbArray) -> BoolArray:
    """Return a mask at the size of a picture of the same slide."""
    size_px = like.shape[1], like.shape[0]
    fitted: BoolArray = np.asarray(Image.fromarray(mask).resize(size_px, Image.Resampling.NEAREST))
    return fitted


def publish_jpeg(target: Path, picture: Image.Image) -> str:
    """Publish a JPEG with its seal; returns its SHA-256.

    It holds no time and no name, so equal pictures have equal bytes.
    """
    buffer = io.BytesIO()
    picture.save(buffer, format="JPEG", quality=_QUALITY)

    def write(path: Path) -> None:
        path.write_bytes(buffer.getvalue())

    def check(path: Path) -> None:
        with Image.open(path) as opened:
            opened.load()

    return publish_sealed(target, write, check=check)
