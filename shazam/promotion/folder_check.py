"""A folder against the manifest of its bundle: every file, nothing else, each read once."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import ValidationError

from shazam.digest import canonical_json
from shazam.errors import ArtifactError
from shazam.promotion.bundle import BUNDLE_FILE, Bundle
from shazam.refs import SHA256_PATTERN

SIGNATURE_FILE = "bundle.sig"
_MOST_MANIFEST_BYTES = 16 << 20
_SHA256 = re.compile(SHA256_PATTERN)
_BLOCK_BYTES = 1 << 20
_MOST_FOLDERS = 16  # one in another
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC
_EMPTY_SHA256 = hashlib.sha256().hexdigest()


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder that is held open: whatever takes its path meanwhile is not looked at."""

    path: Path
    handle: int


@dataclass(frozen=True, slots=True)
class _Found:
    """A regular file: its digest and its bytes' number."""

    sha256: str
    n_bytes: int


def check_folder(folder: Path) -> Bundle:
    """Return the bundle that a folder holds, after every file was compared to its digest.

    Raises:
        ArtifactError: a file is changed, truncated, missing, renamed or too many; something is no
            regular file (a link, a pipe, a device) or an empty folder; or the manifest is damaged.
    """
    with _held(folder) as held:
        bundle = _bundle(held)
        there = set(_names(held))
        allowed = {BUNDLE_FILE, SIGNATURE_FILE}
        missing = [name for name in bundle.files if name not in there]
        extra = sorted(there - set(bundle.files) - allowed)
        if missing or extra:
            raise ArtifactError(_difference(held, bundle.files, missing=missing, extra=extra))
        for name, digest in bundle.files.items():
            _check_same(_digest(held, name), sha256=digest, where=_where(folder, name))
    return bundle


def read_bundle(folder: Path) -> Bundle:
    """Return the manifest of a folder, which must be in its one canonical form.

    Raises:
        ArtifactError: it is missing, damaged, or names a file that no bundle may hold.
    """
    with _held(folder) as held:
        return _bundle(held)


def read_file(folder: Path, name: str, *, sha256: str) -> bytes:
    """Return the bytes of a file of a bundle: those that were compared, and no others.

    Raises:
        ArtifactError: it is missing, altered, or no regular file.
    """
    with _held(folder) as held, os.fdopen(_open(held, name), "rb") as file:
        content = file.read()
    found = _Found(hashlib.sha256(content).hexdigest(), len(content))
    _check_same(found, sha256=sha256, where=_where(folder, name))
    return content


def _bundle(held: _Folder) -> Bundle:
    path = held.path / BUNDLE_FILE
    text = _read_small(held, BUNDLE_FILE, most_bytes=_MOST_MANIFEST_BYTES)
    try:
        document = json.loads(text, object_pairs_hook=_unrepeated)
        if isinstance(document, dict) and "format" not in document and "files" in document:
            raise ArtifactError(
                f"{path}: of an earlier version, whose bundles name cases and hold no evidence; "
                "run again and register the model with this version"
            )
        bundle = Bundle.model_validate(document)
        canonical = canonical_json(bundle)
    except ArtifactError as error:
        raise ArtifactError(f"{path}: {error}") from error
    except (ValidationError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{path}: missing or damaged; it names the bundle's files") from error
    if canonical != text:
        raise ArtifactError(f"{path}: not written in its one canonical form")
    _check_names(bundle.files, path=path)
    return bundle


def read_small(folder: Path, name: str, *, most_bytes: int) -> bytes:
    """Return the bytes of a regular file that is no link, up to a size.

    Raises:
        ArtifactError: it is missing, no regular file, or larger.
    """
    with _held(folder) as held:
        return _read_small(held, name, most_bytes=most_bytes)


def _read_small(held: _Folder, name: str, *, most_bytes: int) -> bytes:
    with os.fdopen(_open(held, name), "rb") as file:
        text = file.read(most_bytes + 1)
    if len(text) > most_bytes:
        raise ArtifactError(f"{_where(held.path, name)}: larger than {most_bytes} bytes")
    return text


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ArtifactError("a key stands twice in it")
    return found


def _check_names(names: Mapping[str, str], *, path: Path) -> None:
    folded: dict[str, str] = {}
    for name, digest in names.items():
        if wrong := _name_fault(name):
            raise ArtifactError(f"{path}: the name {name!r} {wrong}")
        if not _SHA256.fullmatch(digest):
            raise ArtifactError(f"{path}: the digest of {name} is no SHA-256 of 64 hex digits")
        parts = name.split("/")
        for prefix in ("/".join(parts[:end]) for end in range(1, len(parts) + 1)):
            other = folded.setdefault(prefix.casefold(), prefix)
            if other != prefix:
                raise ArtifactError(
                    f"{path}: {other} and {prefix} differ only in upper and lower case"
                )


def _name_fault(name: str) -> str | None:
    parts = name.split("/")
    kept = name.casefold() in (BUNDLE_FILE, SIGNATURE_FILE)
    faults = (
        (name.startswith("/"), "is absolute"),
        (".." in parts, "has '..': it lies outside the folder"),
        ("\\" in name or "\0" in name, "holds a backslash or NUL"),
        ("" in parts or "." in parts, "is no plain relative path"),
        (unicodedata.normalize("NFC", name) != name, "is not in Unicode's form NFC"),
        (kept, "is kept for the manifest or its signature"),
    )
    return next((told for wrong, told in faults if wrong), None)


def _names(held: _Folder) -> Iterator[str]:
    try:
        yield from _names_below(held.handle, root=held.path, inside=())
    except OSError as error:
        raise ArtifactError(f"{held.path}: cannot be listed: {error.strerror}") from error


def _names_below(handle: int, *, root: Path, inside: tuple[str, ...]) -> Iterator[str]:
    where = "/".join(inside) or "."
    if len(inside) > _MOST_FOLDERS:
        raise ArtifactError(f"{_where(root, where)}: more than {_MOST_FOLDERS} folders deep")
    with os.scandir(handle) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    if not found:
        raise ArtifactError(f"{_where(root, where)}: an empty folder")
    for entry in found:
        path = (*inside, entry.name)
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISDIR(mode):
            with _opened(os.open(entry.name, _FOLDER | _NO_LINK, dir_fd=handle)) as below:
                yield from _names_below(below, root=root, inside=path)
        elif stat.S_ISREG(mode):
            yield "/".join(path)
        else:
            raise ArtifactError(f"{_where(root, '/'.join(path))}: {_kind(mode)}, and no file")


def _kind(mode: int) -> str:
    return "a symbolic link" if stat.S_ISLNK(mode) else "a pipe, socket or device"


def _difference(
    held: _Folder, files: Mapping[str, str], *, missing: list[str], extra: list[str]
) -> str:
    folder, folded = held.path, {name.casefold(): name for name in extra}
    for name in missing:
        if other := folded.get(name.casefold()):
            return f"{_where(folder, other)}: is {name} in other upper and lower case"
    digests = {_digest(held, name).sha256: name for name in extra} if missing else {}
    for name in missing:
        if other := digests.get(files[name]):
            return f"{_where(folder, other)}: is {name}, renamed"
    if missing:
        return f"{missing[0]} is missing from {folder}"
    return f"{folder} holds files that are not of the bundle: {', '.join(extra)}"


def _digest(held: _Folder, name: str) -> _Found:
    digest, n_bytes = hashlib.sha256(), 0
    with os.fdopen(_open(held, name), "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            n_bytes += len(block)
    return _Found(digest.hexdigest(), n_bytes)


def _check_same(found: _Found, *, sha256: str, where: str) -> None:
    if found.sha256 != sha256:
        raise ArtifactError(f"{where} {_change(found)}")


def _change(found: _Found) -> str:
    if found.sha256 == _EMPTY_SHA256:
        return "was altered: truncated to nothing"
    return f"was altered since it was registered, or truncated ({found.n_bytes} bytes are there)"


@contextmanager
def _held(folder: Path) -> Iterator[_Folder]:
    try:
        handle = os.open(folder, _FOLDER)
    except OSError as error:
        raise ArtifactError(f"{folder}: missing or no folder ({error.strerror})") from error
    with _opened(handle):
        yield _Folder(folder, handle)


@contextmanager
def _opened(handle: int) -> Iterator[int]:
    try:
        yield handle
    finally:
        os.close(handle)


def _open(held: _Folder, name: str) -> int:
    """Return a descriptor reached without following any link below the folder."""
    parts = PurePosixPath(name).parts
    here = os.dup(held.handle)
    try:
        for part in parts[:-1]:
            above, here = here, os.open(part, _FOLDER | _NO_LINK, dir_fd=here)
            os.close(above)
        file = os.open(parts[-1], os.O_RDONLY | _NO_LINK | os.O_NONBLOCK, dir_fd=here)
    except OSError as error:
        raise ArtifactError(
            f"{_where(held.path, name)}: missing or damaged, or a symbolic link ({error.strerror})"
        ) from error
    finally:
        os.close(here)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise ArtifactError(f"{_where(held.path, name)}: a folder, pipe or device, and no file")
    return file


def _where(folder: Path, name: str) -> str:
    return f"{folder}: {name}"
