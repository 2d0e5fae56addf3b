"""The only way results are written: all of a file under its name, or nothing."""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shazam.digest import canonical_json, digest_of_file
from shazam.errors import ArtifactError, DiskFullError

Write = Callable[[Path], None]
Check = Callable[[Path], None]

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


def publish(target: Path, write: Write, *, check: Check | None = None) -> str:
    """Write a file so that a reader sees it whole or not at all.

    Order: temporary file in the same folder, write and close, reopen and check, SHA-256, fsync,
    rename, fsync of the folder. A failure at any point leaves the target as it was.

    Args:
        target: the final path; its folder is made.
        write: writes the whole content to the path it is given and closes it.
        check: reopens the path and raises if the content is not what was meant.

    Returns:
        SHA-256 of the published bytes (64 hex digits).

    Raises:
        ArtifactError: the written file is empty.
        DiskFullError: the disk, or the user's share of it, is full.
    """
    with disk_has_room(target):
        return _publish(target, write, check)


def _publish(target: Path, write: Write, check: Check | None) -> str:
    target.parent.mkdir(parents=True, exist_ok=True)
    # named before it is there, so that a stop at any moment finds it; the suffix stays, because
    # some writers choose the format by it
    name = f"{_prefix(target)}{secrets.token_hex(8)}.tmp{target.suffix}"
    temporary = target.with_name(name)
    try:
        temporary.touch(mode=0o600, exist_ok=False)
        write(temporary)
        if temporary.stat().st_size == 0:
            raise ArtifactError(f"{target}: the writer produced an empty file; nothing published")
        if check is not None:
            check(temporary)
        sha256 = digest_of_file(temporary)
        _set_mode(temporary)
        _fsync(temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    _fsync(target.parent)
    return sha256


def sweep(target: Path) -> None:
    """Delete what a killed writer of a file or its seal left; call it while nobody writes them."""
    for path in (target, _seal(target)):
        for left in target.parent.glob(f"{glob.escape(_prefix(path))}*.tmp{path.suffix}"):
            left.unlink(missing_ok=True)


def _prefix(target: Path) -> str:
    return f".{target.stem[:64]}."


def publish_bytes(target: Path, content: bytes) -> str:
    """Publish bytes; returns their SHA-256. See :func:`publish`."""

    def write(path: Path) -> None:
        path.write_bytes(content)

    def check(path: Path) -> None:
        if path.read_bytes() != content:
            raise ArtifactError(f"{target}: the disk gave back other bytes than were written")

    return publish(target, write, check=check)


def publish_private(target: Path, content: bytes) -> None:
    """Publish bytes that only their owner may read, where there is no file yet.

    They are never readable by others, not for a moment, and never half there.

    Raises:
        FileExistsError: there is a file, or a link.
        DiskFullError: the disk, or the user's share of it, is full.
    """
    with disk_has_room(target):
        temporary = target.with_name(f"{_prefix(target)}{secrets.token_hex(8)}.tmp{target.suffix}")
        try:
            temporary.touch(mode=0o600, exist_ok=False)
            temporary.write_bytes(content)
            if temporary.read_bytes() != content:
                raise ArtifactError(f"{target}: the disk gave back other bytes than were written")
            _fsync(temporary)
            os.link(temporary, target)  # unlike a rename it replaces nothing
        finally:
            temporary.unlink(missing_ok=True)
        _fsync(target.parent)


def publish_json(target: Path, value: object) -> str:
    """Publish the canonical JSON of a value; returns the SHA-256. See :func:`publish`."""
    return publish_bytes(target, canonical_json(value))


def publish_sealed(target: Path, write: Write, *, check: Check | None = None) -> str:
    """Publish a file, then its digest beside it, so that a later run can trust it.

    See :func:`publish`. A stop between the two leaves a file without a seal, which counts as none.
    """
    sha256 = publish(target, write, check=check)
    seal(target, sha256)
    return sha256


def seal(target: Path, sha256: str) -> None:
    """Publish the digest of a file beside it."""
    publish_bytes(_seal(target), f"{sha256}\n".encode())


def sealed_digest(target: Path) -> str | None:
    """Return the SHA-256 of a file whose bytes are those of its seal; None if there is none."""
    seal = _seal(target)
    if not target.is_file() or not seal.is_file():
        return None
    sha256 = digest_of_file(target)
    return sha256 if seal.read_text(encoding="ascii", errors="replace").strip() == sha256 else None


def _seal(target: Path) -> Path:
    return target.with_name(f"{target.name}.sha256")


def publish_link(target: Path, source: Path) -> str:
    """Publish another name for bytes that are already published; returns their SHA-256.

    A hard link where the file system allows it, so that bytes are stored once; else a copy.
    """

    def write(path: Path) -> None:
        path.unlink()
        try:
            os.link(source, path)
        except OSError:
            shutil.copyfile(source, path)

    return publish(target, write)


def publish_folder(target: Path, write: Write) -> None:
    """Publish a folder of pages: it appears whole or not at all.

    Args:
        target: the final folder; must not exist.
        write: fills the folder it is given.

    Raises:
        ArtifactError: the folder exists already.
        DiskFullError: the disk, or the user's share of it, is full.
    """
    if target.exists():
        raise ArtifactError(f"{target}: exists already; published folders are never changed")
    with disk_has_room(target):
        _publish_folder(target, write)


def _publish_folder(target: Path, write: Write) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name[:64]}.{secrets.token_hex(8)}")
    try:
        temporary.mkdir(mode=0o700)
        write(temporary)
        temporary.chmod(0o755)
        temporary.rename(target)
    finally:
        if temporary.exists():
            shutil.rmtree(temporary)
    _fsync(target.parent)


@contextmanager
def disk_has_room(target: Path) -> Iterator[None]:
    """Name a full disk, met while something is written for a file.

    Raises:
        DiskFullError: the disk, or the user's share of it, is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise DiskFullError(
            f"{target}: not written, {error.strerror}; free some space and run again, "
            "what was published before is kept"
        ) from error


def _set_mode(path: Path) -> None:
    umask = os.umask(0)
    os.umask(umask)
    if path.stat().st_nlink == 1:
        path.chmod(0o666 & ~umask)


def _fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
