"""Pointer files of what a run stands on, for whoever commits them to a repository."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import yaml

from shazam.manifests import DataVersion
from shazam.publish import publish_bytes

_VIEWS = "data/"
_SLIDES = "slides"


def publish_pointers(versions: Sequence[DataVersion], *, folder: Path) -> None:
    """Write ``<folder>/<name>.dvc`` for each version: ``features/<teacher>``, and ``slides``.

    In a repository with the remote to which the workspace was pushed, `dvc pull` of a pointer
    brings the folder that it names.
    """
    for version in versions:
        name = name_of(version)
        text = yaml.safe_dump({"outs": [_out(version, PurePosixPath(name).name)]}, sort_keys=False)
        publish_bytes(folder / f"{name}.dvc", text.encode())


def name_of(version: DataVersion) -> str:
    """Return what a version is called in a run's folder."""
    return version.path.removeprefix(_VIEWS) if version.path.startswith(_VIEWS) else _SLIDES


def _out(version: DataVersion, path: str) -> dict[str, object]:
    return {
        "md5": version.md5,
        "size": version.size_bytes,
        "nfiles": version.n_files,
        "hash": "md5",
        "path": path,
    }
