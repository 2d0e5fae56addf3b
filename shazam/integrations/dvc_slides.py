"""Slides by version in a workspace: exactly the bytes of a version, or no folder at all.

Steps need neither git nor the repository in which the version was made: the hashes and the place
of the remote are enough.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shazam.config.cohort import CohortConfig
from shazam.config.slides import SlidesVersion
from shazam.digest import digest_of_file
from shazam.errors import DataError
from shazam.features.claims import Claims
from shazam.integrations.dvc_add import (
    FilesManifest,
    read_manifest,
    write_manifest,
)
from shazam.integrations.dvc_cache import place_in_cache, remember
from shazam.integrations.dvc_fetch import fetch, fetch_listing
from shazam.integrations.dvc_listing import listing_of_folder, oid_of_listing
from shazam.integrations.dvc_remote import remote_at
from shazam.integrations.dvc_repository import workspace_repository
from shazam.publish import publish_folder, publish_link
from shazam.workspace import Workspace

if TYPE_CHECKING:
    from dvc.repo import Repo

_WAIT_S = 0.5


def with_slides(cohort: CohortConfig, *, workspace: Workspace) -> CohortConfig:
    """Return the cohort with its slides in a folder; those by version are brought first.

    Raises:
        DataError: see :func:`bring_slides`.
    """
    if not isinstance(cohort.slides, SlidesVersion):
        return cohort
    return cohort.at(bring_slides(cohort.slides, workspace=workspace))


def bring_slides(version: SlidesVersion, *, workspace: Workspace) -> Path:
    """Return the folder with the slides of a version; one that is there and whole is taken.

    Raises:
        DataError: an object is missing or has other bytes, or the remote does not answer; the
            workspace then has no new folder.
    """
    folder = workspace.path(version.folder)
    with _claimed(folder), workspace_repository(workspace) as repository:
        there = listing_of_folder(folder, repository=repository) if folder.is_dir() else {}
        if oid_of_listing(there) != version.md5:
            _bring(folder, version=version, repository=repository)
            return folder
        kept = read_manifest(folder, md5=version.md5) or FilesManifest(
            md5=version.md5, files={name: digest_of_file(folder / name) for name in there}
        )
        _check_sha256(kept, version=version)
        write_manifest(folder, kept)
    return folder


def _bring(folder: Path, *, version: SlidesVersion, repository: Repo) -> None:
    remote = remote_at(version.remote)
    listed = fetch_listing(version.md5, what="slides", remote=remote, repository=repository)
    if len(listed) != version.n_files:
        raise DataError(
            f"slides {version.md5}: its listing at {remote.name} has {len(listed)} files, its "
            f"pointer says {version.n_files}; nothing is taken: make the version again"
        )
    wanted = {oid: f"slide file {name} (object {oid})" for name, oid in listed.items()}
    came = fetch(wanted, remote=remote, repository=repository)
    kept = {oid: place_in_cache(oid, repository=repository) for oid in wanted}
    sha256 = {oid: came.get(oid) or digest_of_file(path) for oid, path in kept.items()}
    manifest = FilesManifest(
        md5=version.md5, files={name: sha256[oid] for name, oid in listed.items()}
    )
    _check_sha256(manifest, version=version)

    def fill(target: Path) -> None:
        _link({name: kept[oid] for name, oid in listed.items()}, folder=target)

    if folder.exists():  # altered since it was brought
        shutil.rmtree(folder)
    publish_folder(folder, fill)
    for name, oid in listed.items():  # links to what was checked just now
        remember(folder / name, oid, repository=repository)
    write_manifest(folder, manifest)


def _check_sha256(manifest: FilesManifest, *, version: SlidesVersion) -> None:
    if version.files_sha256 not in {None, manifest.digest()}:
        raise DataError(
            f"slides {version.md5}: the files have the MD5 of the version, but not the SHA-256 "
            f"that were recorded with it, at {version.remote.url}; nothing is taken: ask who made "
            "it"
        )


def _link(files: Mapping[str, Path], *, folder: Path) -> None:
    for name, kept in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(kept, target)
        except OSError:  # the file system cannot link
            publish_link(target, kept)


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Wait until no other process brings the folder."""
    claims = Claims()
    while not claims.take([folder]):
        time.sleep(_WAIT_S)
    try:
        yield
    finally:
        claims.release_all()
