"""Whether the disk has room for the features that are asked for, told before any work."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from shazam.errors import DiskFullError
from shazam.manifests import LevelDims

_BYTES_PER_VALUE = 2
_BYTES_PER_COORDS = 8
# HDF5's own tables, attributes, the seal, and blocks of the file system that are not filled
_BYTES_PER_FILE = 64 * 1024
_GIB = 1 << 30
_MIB = 1 << 20


def feature_bytes(n_tiles: int, dims: LevelDims) -> int:
    """Return about how many bytes the feature file of a slide takes.

    Args:
        n_tiles: tiles of the slide.
        dims: widths of the teacher's levels.
    """
    width = sum(dims.widths().values())
    return n_tiles * (width * _BYTES_PER_VALUE + _BYTES_PER_COORDS) + _BYTES_PER_FILE


def check_room(needed_bytes: Iterable[int], *, folder: Path) -> None:
    """Compare what will be written with what is free.

    Raises:
        DiskFullError: it does not fit; nothing was written.
    """
    total_bytes = sum(needed_bytes)
    free_bytes = shutil.disk_usage(_existing(folder)).free
    if total_bytes > free_bytes:
        raise DiskFullError(
            f"{folder}: the features take about {_size_text(total_bytes)}, "
            f"{_size_text(free_bytes)} are free; free some space, or extract fewer teachers or "
            "a shard at a time"
        )


def _size_text(n_bytes: int) -> str:
    return f"{n_bytes / _GIB:.2f} GiB" if n_bytes >= _GIB else f"{n_bytes / _MIB:.2f} MiB"


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.resolve().parents) if path.exists())
