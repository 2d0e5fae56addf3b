"""Plain images (PNG, JPEG, BMP, WebP, flat TIFF) as slides of one level, held in memory."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from PIL import ExifTags, Image, TiffTags, UnidentifiedImageError

from shazam.errors import ImageTooLargeError, UnreadableSlideError, UnsupportedPixelsError

# the size beyond which Pillow itself calls an image a decompression bomb: 0.5 GB of colours
MAX_PIXELS = 2 * (1024**3 // 4 // 3)
_FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "TIFF")
_COLOUR_MODES = {"1", "L", "P", "RGB", "YCbCr", "CMYK"}
_TRANSPARENT_MODES = {"LA", "La", "PA", "RGBA", "RGBa"}
_TILE_WIDTH = 322
_MAX_TAG_CHARACTERS = 4096
# what readers of images raise on damaged bytes, beside OSError
_DAMAGES = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, NotImplementedError),
    *(RuntimeError, SyntaxError, TypeError, ValueError, struct.error, zlib.error),
)
_ADVICE = "restore the file from its source or remove the slide from the table"


@dataclass(frozen=True, slots=True)
class PlainImage:
    """Colours on white, the name of the format and what its tags say; no tag is a resolution."""

    rgb: Image.Image
    format: str
    tags: Mapping[str, str]


def read_plain_image(path: Path) -> PlainImage:
    """Read an image whole.

    Raises:
        ImageTooLargeError: it has more than ``MAX_PIXELS``; nothing was decoded.
        UnsupportedPixelsError: more than 8 bits a channel, or no colours.
        UnreadableSlideError: it is cut short or damaged.
    """
    with _named_errors(path), Image.open(path, formats=_FORMATS) as image:
        _check_size(*image.size)
        format_ = f"plain-{(image.format or 'image').lower()}"
        tags = dict(_tags(image))
        return PlainImage(rgb=_on_white(image), format=format_, tags=tags)


def is_flat_tiff(path: Path) -> bool:
    """Tell whether a file is a TIFF whose first page Pillow knows and which has no tiles."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=("TIFF",)) as image:
            return _TILE_WIDTH not in getattr(image, "tag_v2", {})
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, *_DAMAGES):
        return False


def _check_size(width_px: int, height_px: int) -> None:
    if width_px * height_px > MAX_PIXELS:
        raise ImageTooLargeError(
            f"a plain image of {width_px} x {height_px} pixels, at most {MAX_PIXELS} in all can be "
            "held in memory; save it as a tiled, pyramidal TIFF"
        )


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in _TRANSPARENT_MODES or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    if image.mode in _COLOUR_MODES:
        return image.convert("RGB")
    raise _unsupported(f"mode {image.mode}")


def _tags(image: Image.Image) -> Iterator[tuple[str, str]]:
    """Yield what is written beside the pixels, as texts."""
    exif = {} if image.format == "TIFF" else image.getexif()  # of a TIFF they are its own tags
    for number, value in exif.items():
        names: Mapping[int, str] = ExifTags.TAGS
        yield f"exif.{names.get(number, number)}", _as_text(value)
    for key, value in image.info.items():
        if isinstance(value, (str, bytes)) and key not in {"exif", "icc_profile", "xmp", "jfif"}:
            yield f"{(image.format or 'image').lower()}.{key}", _as_text(value)
    for number, value in getattr(image, "tag_v2", {}).items():
        if isinstance(value, str):
            yield f"tiff.{TiffTags.lookup(number).name}", _as_text(value)


def _as_text(value: object) -> str:
    text = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
    return text[:_MAX_TAG_CHARACTERS]


def _bits_of_tiff(path: Path) -> int:
    """Return the bits a channel of a TIFF's first page; 0 where they cannot be read."""
    try:
        with tifffile.TiffFile(path) as file:
            return int(np.max(file.pages.first.bitspersample))
    except (tifffile.TiffFileError, OSError, *_DAMAGES):
        return 0


@contextmanager
def _named_errors(path: Path) -> Iterator[None]:
    """Name what Pillow raises; its warnings of large images come below our own limit."""
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(
            f"a plain image of more than {MAX_PIXELS} pixels, which cannot be held in memory; "
            "save it as a tiled, pyramidal TIFF"
        ) from error
    except UnidentifiedImageError as error:
        n_bits = _bits_of_tiff(path)
        if n_bits > 8:
            raise _unsupported(f"{n_bits} bits a channel") from error
        raise UnreadableSlideError(
            f"the image is cut short, damaged or of a kind that cannot be read; {_ADVICE}"
        ) from error
    except (OSError, *_DAMAGES) as error:
        raise UnreadableSlideError(
            f"the image is cut short or damaged ({error}); {_ADVICE}"
        ) from error


def _unsupported(pixels: str) -> UnsupportedPixelsError:
    return UnsupportedPixelsError(
        f"a plain image with pixels of {pixels}; save it with 8 bits a channel, in RGB"
    )
