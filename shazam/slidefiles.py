"""All files of a slide: some formats spread one slide over several files.

OpenSlide is given one path, but the bytes of a MIRAX slide lie in the folder beside it, those of
a DICOM slide in every file of its series, those of a Hamamatsu VMS slide in the images it lists.
Size, digest and the check for changes must cover them all.
"""

from __future__ import annotations

import struct
import warnings
from functools import lru_cache
from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from shazam.digest import digest_of, digest_of_file

# of each file of a slide: inode, size, times of the last change
Stamp = tuple[tuple[int, ...], ...]

_DICOM_MAGIC = b"DICM"
_DICOM_OFFSET = 128
_TIFF_SUFFIXES = {".tif", ".tiff"}
_TIFF_MAGICS = (b"II", b"MM")
_SERIES_UID = "SeriesInstanceUID"

# what this process has hashed already or was told, by path
_HASHED: dict[Path, tuple[Stamp, str]] = {}


def files_of(path: Path) -> tuple[Path, ...]:
    """Return every file that holds a part of a slide, the given one first, the others sorted.

    Args:
        path: the file that names the slide; it need not exist.

    Raises:
        OSError: the folder cannot be listed.
    """
    match path.suffix.lower():
        case ".mrxs":
            others = _below(path.with_suffix(""))
        case ".vms" | ".vmu":
            others = _listed(path)
        case _:
            others = _same_series(path)
    return (path, *sorted(other for other in others if other != path))


def size_of_slide(path: Path) -> int:
    """Return the bytes of all files of a slide.

    Raises:
        OSError: one of them is gone or cannot be looked at.
    """
    return sum(file.stat().st_size for file in files_of(path))


def stamp_of_slide(path: Path) -> Stamp:
    """Return what differs once a file of a slide was written to or replaced; nothing is read.

    Raises:
        OSError: one of them is gone or cannot be looked at.
    """
    found = (file.stat() for file in files_of(path))
    return tuple((s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for s in found)


def digest_of_slide(path: Path) -> str:
    """Return the SHA-256 (64 hex digits) of a slide.

    A single file has the SHA-256 of its bytes. Of several files it is the digest of the list of
    their names and digests. The slide's own name is left out of these names, and so are all names
    of a DICOM series, which may be renamed at will.

    Raises:
        OSError: one of the files is gone or cannot be read.
    """
    files = files_of(path)
    if len(files) == 1:
        return digest_of_file(path)
    return digest_of(sorted((_part_name(file, of=path), digest_of_file(file)) for file in files))


def hash_slide(path: Path) -> str:
    """Return the SHA-256 of a slide, and remember at which stamp of its files it was found.

    Raises:
        OSError: one of the files is gone or cannot be read.
    """
    stamp = stamp_of_slide(path)
    sha256 = digest_of_slide(path)
    _HASHED[path] = stamp, sha256
    return sha256


def known_digest(path: Path) -> str | None:
    """Return the SHA-256 of a slide that is known and was not written to since; else None.

    Raises:
        OSError: one of the files is gone or cannot be looked at.
    """
    stamp, sha256 = _HASHED.get(path, ((), None))
    return sha256 if stamp == stamp_of_slide(path) else None


def remember(path: Path, sha256: str, *, stamp: Stamp) -> None:
    """Take a digest as that of a slide for as long as its files have this stamp."""
    _HASHED[path] = stamp, sha256


def has_digest(path: Path, sha256: str) -> bool:
    """Tell whether a slide has a digest; it is read only if it was written to since it was hashed.

    Raises:
        OSError: one of the files is gone or cannot be read.
    """
    if _HASHED.get(path) != (stamp_of_slide(path), sha256):
        return hash_slide(path) == sha256
    return True


def series_in(folder: Path) -> dict[str, Path]:
    """Return the DICOM series of a folder: the first file of each by name, keyed by its UID.

    A folder that cannot be listed has none.
    """
    found: dict[str, Path] = {}
    try:
        paths = sorted(folder.iterdir())
    except OSError:
        return found
    for path in paths:
        uid = series_uid(path)
        if uid is not None:
            found.setdefault(uid, path)
    return found


def series_uid(path: Path) -> str | None:
    """Return the SeriesInstanceUID of a DICOM file; None for every other file."""
    try:
        status = path.stat()
        return _series_uid(path, status.st_size, status.st_mtime_ns) if path.is_file() else None
    except OSError:
        return None


@lru_cache(maxsize=1 << 16)
def _series_uid(path: Path, _size_bytes: int, _mtime_ns: int) -> str | None:
    with path.open("rb") as file:
        head = file.read(_DICOM_OFFSET + len(_DICOM_MAGIC))
    if head[_DICOM_OFFSET:] != _DICOM_MAGIC:
        return None
    if path.suffix.lower() in _TIFF_SUFFIXES and head.startswith(_TIFF_MAGICS):
        return None  # both DICOM and TIFF; OpenSlide goes by the name
    values = dicom_values(path, _SERIES_UID)
    return None if values is None else values.get(_SERIES_UID)


def dicom_values(path: Path, *keywords: str) -> dict[str, str] | None:
    """Return values of a DICOM object's header as texts, those that are there; None if damaged.

    Raises:
        OSError: the file cannot be read.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # values are judged by those who use them
            header = dcmread(path, stop_before_pixels=True, specific_tags=list(keywords))
            return {name: str(header[name].value) for name in keywords if name in header}
    except (InvalidDicomError, ArithmeticError, AttributeError, LookupError, TypeError):
        return None
    except (ValueError, EOFError, NotImplementedError, RecursionError, struct.error):
        return None


def _same_series(path: Path) -> list[Path]:
    uid = series_uid(path)
    if uid is None:
        return []
    return [other for other in path.parent.iterdir() if series_uid(other) == uid]


def _below(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.rglob("*") if path.is_file() and not _is_junk(path)]


def _listed(path: Path) -> list[Path]:
    """Return the files beside an INI file that its values name."""
    if not path.is_file():
        return []
    lines = path.read_bytes().decode("utf-8", errors="replace").splitlines()
    names = {value.strip() for line in lines if (value := line.partition("=")[2]).strip()}
    plain = {name for name in names if "/" not in name and "\\" not in name and "\0" not in name}
    beside = {other.name: other for other in path.parent.iterdir()}
    return [beside[name] for name in plain & set(beside) if beside[name].is_file()]


def _is_junk(path: Path) -> bool:
    """Tell what file browsers leave behind from a part of the slide."""
    return path.name.startswith("._") or path.name in {".DS_Store", "Thumbs.db"}


def _part_name(file: Path, *, of: Path) -> str:
    if file == of or of.suffix.lower() not in {".mrxs", ".vms", ".vmu"}:
        return ""
    return file.relative_to(of.parent).as_posix().removeprefix(f"{of.stem}/")
