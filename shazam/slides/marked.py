"""A small picture of a slide on which a few tiles are outlined and numbered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from shazam.digest import digest_of
from shazam.manifests import Picture
from shazam.publish import sealed_digest
from shazam.slides.overlay import TILE_COLOUR
from shazam.slides.picture import publish_jpeg
from shazam.slides.reader import open_slide
from shazam.slides.records import SlideRecord, check_content, check_unchanged
from shazam.workspace import Workspace

LONGEST_PX = 512
# part of the key of pictures; raise it when their look changes
_LOOK = "1"
_SMALLEST_PX = 12.0
_TEXT_PX = 15
_HALO = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class Mark:
    """A tile and its number; corner and side in level-0 pixels."""

    number: int
    x_level0: int
    y_level0: int
    side_level0: int


@dataclass(frozen=True, slots=True)
class MarkedKey:
    """Everything that changes the bytes of a picture."""

    slide_sha256: str
    marks: tuple[Mark, ...]
    longest_px: int = LONGEST_PX
    look: str = _LOOK


def keep_marked(
    path: Path, *, slide: SlideRecord, marks: tuple[Mark, ...], workspace: Workspace
) -> Picture:
    """Publish ``attention/<key>/<slide_id>.jpg``, or take the sound one that is there.

    Args:
        path: the slide's file.
        slide: the slide as it was ingested.
        marks: the tiles.
        workspace: where the picture goes.

    Raises:
        SlideError: the slide is gone, changed, or cannot be decoded.
    """
    key = digest_of(MarkedKey(slide.sha256, marks))
    target = workspace.root / "attention" / key / f"{slide.slide_id}.jpg"
    sha256 = sealed_digest(target)
    if sha256 is None:
        check_unchanged(path, size_bytes=slide.size_bytes)
        with open_slide(path) as reader:
            downsample = max(1.0, max(reader.dims_px) / LONGEST_PX)
            rgb = reader.overview(downsample=downsample)
        check_content(path, sha256=slide.sha256)
        sha256 = publish_jpeg(target, draw_marks(rgb, marks=marks, downsample=downsample))
    return Picture(uri=workspace.uri(target), sha256=sha256)


def draw_marks(
    rgb: npt.NDArray[np.uint8], *, marks: Sequence[Mark], downsample: float
) -> Image.Image:
    """Return a picture with tiles outlined in blue, their numbers in them or beside them.

    A tile that would be too small to be seen gets a larger frame around its centre.

    Args:
        rgb: overview, uint8 ``[height, width, 3]``.
        marks: the tiles; the first is drawn last, over the others.
        downsample: level-0 pixels a pixel of the overview spans.
    """
    image = Image.fromarray(rgb)
    draw = ImageDraw.Draw(image)
    boxes = [_box(mark, downsample=downsample) for mark in marks]
    for left, top, right, bottom in reversed(boxes):
        draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=_HALO, width=4)
        draw.rectangle((left, top, right, bottom), outline=TILE_COLOUR, width=2)
    font = ImageFont.load_default(size=_TEXT_PX)
    for mark, box in reversed(list(zip(marks, boxes, strict=True))):
        spot, anchor = _place(box, width_px=image.width)
        draw.text(
            spot,
            str(mark.number),
            fill=TILE_COLOUR,
            font=font,
            anchor=anchor,
            stroke_width=2,
            stroke_fill=_HALO,
        )
    return image


def _box(mark: Mark, *, downsample: float) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a tile's frame in pixels of the overview."""
    half = max(mark.side_level0 / downsample, _SMALLEST_PX) / 2
    x, y = (
        (corner + mark.side_level0 / 2) / downsample for corner in (mark.x_level0, mark.y_level0)
    )
    return round(x - half), round(y - half), round(x + half), round(y + half)


def _place(box: tuple[int, int, int, int], *, width_px: int) -> tuple[tuple[int, int], str]:
    """Return where a number stands, and which of its corners that is."""
    left, top, right, _ = box
    if right - left >= 3 * _TEXT_PX:
        return (left + 6, top + 6), "lt"
    if right + 4 + 2 * _TEXT_PX < width_px:
        return (right + 4, top), "lt"
    return (left - 4, top), "rt"
