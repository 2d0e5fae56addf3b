"""Open whatever file a slide lies in; the bytes decide, and every refusal is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import openslide
from pydicom.config import IGNORE
from pydicom.uid import UID

from shazam.errors import (
    EmptyFileError,
    NotWholeSlideError,
    UnreadableSlideError,
    WrongExtensionError,
)
from shazam.slidefiles import dicom_values
from shazam.slides.contents import PLAIN_IMAGES, Contents, contents_of
from shazam.slides.plain_image import is_flat_tiff, read_plain_image

SLIDE_SUFFIXES = frozenset(
    {".bif", ".czi", ".dcm", ".mrxs", ".ndpi", ".scn", ".svs", ".svslide", ".vms", ".vmu"}
)
TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
IMAGE_SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".webp"})

_WHOLE_SLIDE_CLASS = "1.2.840.10008.5.1.4.1.1.77.1.6"
_ADVICE = "restore the file from its source or remove the slide from the table"


@dataclass(frozen=True, slots=True)
class OpenedSlide:
    """An open slide, its format, and all its tags.

    ``mpp_tags`` are those that may say the resolution: none of a plain image's.
    """

    slide: openslide.AbstractSlide
    format: str
    tags: Mapping[str, str]
    mpp_tags: Mapping[str, str]


def open_any(path: Path) -> OpenedSlide:
    """Open a slide of any format that OpenSlide reads, or a plain image.

    Raises:
        UnreadableSlideError: the file cannot be opened; its subclasses say why.
    """
    with readable(path):
        contents = contents_of(path)
        _refuse_junk(contents)
        if openslide.OpenSlide.detect_format(path) is not None:
            slide = openslide.OpenSlide(path)
            tags = _tags_of(slide)
            vendor = tags.get(openslide.PROPERTY_NAME_VENDOR, "unknown")
            return OpenedSlide(slide=slide, format=vendor, tags=tags, mpp_tags=tags)
    return _open_plain(path, contents)


def _tags_of(slide: openslide.AbstractSlide) -> dict[str, str]:
    """Return the tags that have a value; the name of one may be too damaged to ask for it."""
    values = ((name, slide.properties.get(name)) for name in slide.properties)
    return {name: value for name, value in values if value is not None}


def _refuse_junk(contents: Contents) -> None:
    match contents:
        case Contents.EMPTY:
            raise EmptyFileError(f"the file is empty (0 bytes); {_ADVICE}")
        case Contents.APPLE_DOUBLE | Contents.LFS_POINTER | Contents.HTML:
            raise UnreadableSlideError(f"the file is {contents}; {_ADVICE}")
        case _:
            return


def _open_plain(path: Path, contents: Contents) -> OpenedSlide:
    suffix = path.suffix.lower()
    if suffix == ".mrxs" and not path.with_suffix("").is_dir():
        raise UnreadableSlideError(
            f"the folder '{path.stem}' that holds the slide's data is missing beside it; {_ADVICE}"
        )
    if contents is Contents.DICOM:
        _refuse_dicom(path)
    if contents in PLAIN_IMAGES and suffix in SLIDE_SUFFIXES | TIFF_SUFFIXES:
        raise WrongExtensionError(_wrong(suffix, str(contents)))
    if contents is Contents.TIFF and suffix in SLIDE_SUFFIXES and is_flat_tiff(path):
        raise WrongExtensionError(_wrong(suffix, "a flat TIFF image, not one of this format"))
    if contents in PLAIN_IMAGES or (contents is Contents.TIFF and suffix not in SLIDE_SUFFIXES):
        image = read_plain_image(path)
        opened = openslide.ImageSlide(image.rgb)
        return OpenedSlide(slide=opened, format=image.format, tags=image.tags, mpp_tags={})
    if contents is Contents.TIFF:
        contents_text = "a TIFF of this name, but cut short or damaged"
    else:
        contents_text = str(contents)
    raise UnreadableSlideError(
        f"OpenSlide knows no such format; the bytes are {contents_text}; {_ADVICE}"
    )


def _wrong(suffix: str, contents: str) -> str:
    return (
        f"the name ends in {suffix}, but the bytes are {contents}; get the slide itself, or give "
        "the file the name of what it is"
    )


def _refuse_dicom(path: Path) -> None:
    """Say which DICOM object it is, where it is not a slide or cannot be read as one."""
    with readable(path):
        values = dicom_values(path, "SOPClassUID")
    if not values:
        raise UnreadableSlideError(f"the file is a damaged DICOM object; {_ADVICE}")
    uid = UID(values["SOPClassUID"], validation_mode=IGNORE)
    if uid != _WHOLE_SLIDE_CLASS:
        raise NotWholeSlideError(
            f"a DICOM object, but no whole-slide image (its SOP class is {uid.name}); {_ADVICE}"
        )
    raise UnreadableSlideError(f"OpenSlide cannot open the DICOM slide; {_ADVICE}")


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Name every way in which reading fails; messages carry no folder, so runs compare equal."""
    try:
        yield
    except (openslide.OpenSlideError, OSError, MemoryError) as error:
        detail = str(error).replace(str(path.parent) + "/", "") or "no detail given"
        raise UnreadableSlideError(
            f"OpenSlide cannot read it ({type(error).__name__}: {detail}); {_ADVICE}"
        ) from error
