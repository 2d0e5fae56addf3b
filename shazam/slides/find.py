"""Find the slides below a folder: one path for each, whatever number of files it has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from shazam.slidefiles import files_of, series_uid
from shazam.slides.opening import IMAGE_SUFFIXES, SLIDE_SUFFIXES, TIFF_SUFFIXES

_SUFFIXES = SLIDE_SUFFIXES | TIFF_SUFFIXES | IMAGE_SUFFIXES


def find_slides(folder: Path) -> tuple[Path, ...]:
    """Return the slides below a folder, sorted; hidden files and parts of slides are left out.

    A file is taken for a slide by its extension, or as a DICOM object by its bytes; of a DICOM
    series the first file stands for the slide.

    Raises:
        OSError: a folder cannot be listed.
    """
    parts: set[Path] = set()
    found = []
    # the files that name others come first, whatever their names are
    for path in sorted(_candidates(folder), key=lambda path: (not _names_others(path), path)):
        if path not in parts:
            found.append(path)
            parts.update(files_of(path)[1:])
    return tuple(sorted(found))


def _candidates(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden or not path.is_file():
            continue
        if path.suffix.lower() in _SUFFIXES or series_uid(path) is not None:
            yield path


def _names_others(path: Path) -> bool:
    return path.suffix.lower() in {".mrxs", ".vms", ".vmu"}
