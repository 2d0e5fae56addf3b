"""What a file holds, by its first bytes: the name may be wrong, the bytes are not."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

_HEAD_BYTES = 4096
_APPLE_DOUBLE = b"\x00\x05\x16\x07"
_DICOM_OFFSET = 128


class Contents(StrEnum):
    """Kinds of files; the values are words for messages."""

    EMPTY = "nothing"
    PNG = "a PNG image"
    JPEG = "a JPEG image"
    BMP = "a BMP image"
    WEBP = "a WebP image"
    TIFF = "a TIFF image"
    DICOM = "a DICOM object"
    GIF = "a GIF image"
    JPEG2000 = "a JPEG 2000 image"
    PDF = "a PDF document"
    ZIP = "a ZIP archive"
    GZIP = "a gzip archive"
    APPLE_DOUBLE = "an AppleDouble file, which macOS leaves beside the real one"
    LFS_POINTER = "a Git LFS pointer, not the file it stands for"
    HTML = "an HTML page, as a failed download leaves it"
    TEXT = "text"
    UNKNOWN = "of no known kind"


PLAIN_IMAGES = frozenset({Contents.PNG, Contents.JPEG, Contents.BMP, Contents.WEBP})

_MAGICS = (
    (b"\x89PNG\r\n\x1a\n", Contents.PNG),
    (b"\xff\xd8\xff", Contents.JPEG),
    (b"BM", Contents.BMP),
    (b"II*\x00", Contents.TIFF),
    (b"MM\x00*", Contents.TIFF),
    (b"II+\x00", Contents.TIFF),
    (b"MM\x00+", Contents.TIFF),
    (b"GIF8", Contents.GIF),
    (b"\x00\x00\x00\x0cjP  ", Contents.JPEG2000),
    (b"\xff\x4f\xff\x51", Contents.JPEG2000),
    (b"%PDF", Contents.PDF),
    (b"PK\x03\x04", Contents.ZIP),
    (b"\x1f\x8b", Contents.GZIP),
    (_APPLE_DOUBLE, Contents.APPLE_DOUBLE),
    (b"version https://git-lfs", Contents.LFS_POINTER),
)


def contents_of(path: Path) -> Contents:
    """Return what a file holds.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if not head:
        return Contents.EMPTY
    if head[_DICOM_OFFSET : _DICOM_OFFSET + 4] == b"DICM":
        return Contents.DICOM
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Contents.WEBP
    known = next((kind for magic, kind in _MAGICS if head.startswith(magic)), None)
    return known if known is not None and not _is_text_beginning(known, head) else _text(head)


def _is_text_beginning(known: Contents, head: bytes) -> bool:
    """Tell a text that begins with the letters BM from a bitmap, whose header holds zeros."""
    return known is Contents.BMP and b"\x00" not in head[:54]


def _text(head: bytes) -> Contents:
    if head.lstrip(b"\xef\xbb\xbf \r\n\t")[:9].lower().startswith((b"<!doctype", b"<html")):
        return Contents.HTML
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # a letter that the block's end cut is no fault
            return Contents.UNKNOWN
        text = head[: error.start].decode("utf-8")
    printable = all(letter.isprintable() or letter in "\r\n\t\f\ufeff" for letter in text)
    return Contents.TEXT if text and printable else Contents.UNKNOWN
