"""Claims: which process may write a file, when several work in one workspace.

A claim is a lock of the operating system on a small file beside the target. The kernel, or the
file server, drops it when its owner ends, however it ends, so nothing is ever left locked.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

from shazam.errors import ConfigError
from shazam.publish import disk_has_room

_ATTEMPTS = 100


class Claims:
    """The claims that this process holds. Use it from one thread."""

    def __init__(self) -> None:
        self._held: dict[Path, int] = {}

    def take(self, targets: Iterable[Path]) -> bool:
        """Claim all targets, or none; False when another process holds one of them.

        Raises:
            ConfigError: the file system knows no locks.
            DiskFullError: there is no room even for an empty file.
        """
        taken: list[Path] = []
        for target in sorted(targets):
            with disk_has_room(target):
                handle = _lock(_lock_file(target))
            if handle is None:
                self.release(taken)
                return False
            self._held[target] = handle
            taken.append(target)
        return True

    def release(self, targets: Iterable[Path]) -> None:
        """Give up claims; targets that are not held are passed over."""
        for target in targets:
            handle = self._held.pop(target, None)
            if handle is not None:
                _lock_file(target).unlink(missing_ok=True)
                os.close(handle)

    def release_all(self) -> None:
        """Give up every claim."""
        self.release(tuple(self._held))


def _lock_file(target: Path) -> Path:
    return target.with_name(f".{target.name}.lock")


def _lock(path: Path) -> int | None:
    """Return a handle that holds the lock, None when somebody else holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(_ATTEMPTS):
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        except OSError as error:
            os.close(handle)
            raise ConfigError(
                f"{path.parent}: the file system knows no locks ({error.strerror}); use one that "
                "does, or give every process a workspace of its own"
            ) from error
        if _is_still(path, handle):
            return handle
        os.close(handle)  # its last owner deleted it between our opening and our locking
    return None


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
