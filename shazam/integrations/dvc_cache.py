"""DVC's cache beside the workspace: bytes of a view are offered to it, so they are stored once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shazam.digest import md5_of_file
from shazam.publish import publish_link

if TYPE_CHECKING:
    from dvc.repo import Repo

READ_ONLY = 0o444


def offer_to_cache(folder: Path, files: Mapping[str, Path], *, repository: Repo) -> None:
    """Give DVC's cache names for the files of a folder, before DVC would copy them.

    Bytes that the cache has already lend their place to the folder and to the published files. A
    file system that cannot link is left to DVC.

    Args:
        folder: what DVC is about to version.
        files: where names in the folder are links to published files, those files.
        repository: whose cache it is.
    """
    if "hardlink" not in repository.cache.local.cache_types:
        return
    for shown in sorted(folder.rglob("*")):
        if shown.is_file():
            name = shown.relative_to(folder).as_posix()
            _offer(shown, source=files.get(name, shown), repository=repository)


@contextmanager
def repository_of(folder: Path) -> Iterator[Repo | None]:
    """Give the repository that a folder lies in; None if it lies in none."""
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        repository = Repo(Repo.find_root(str(folder.resolve())))
    except NotDvcRepoError:
        yield None
        return
    try:
        yield repository
    finally:
        repository.close()


def _offer(shown: Path, *, source: Path, repository: Repo) -> None:
    kept = place_in_cache(md5_of(shown, repository=repository), repository=repository)
    if kept.exists():
        for name in (source, shown):
            if not name.samefile(kept):
                publish_link(name, kept)
        return
    kept.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, kept)
    except OSError:
        return
    kept.chmod(READ_ONLY)


def place_in_cache(oid: str, *, repository: Repo) -> Path:
    """Return where DVC's cache keeps an object, whether or not it is there."""
    return Path(repository.cache.local.path) / oid[:2] / oid[2:]


def md5_of(path: Path, *, repository: Repo) -> str:
    """Return the MD5 of a file, which DVC remembers as long as the file is not touched."""
    from dvc.fs import LocalFileSystem

    _, known = repository.state.get(str(path.resolve()), LocalFileSystem())
    if known and known.name == "md5":
        return str(known.value)
    md5 = md5_of_file(path)
    remember(path, md5, repository=repository)
    return md5


def remember(path: Path, md5: str, *, repository: Repo) -> None:
    """Let DVC remember the MD5 of a file that was just told."""
    from dvc.fs import LocalFileSystem
    from dvc_data.hashfile.hash_info import HashInfo

    repository.state.save(str(path.resolve()), LocalFileSystem(), HashInfo("md5", md5))
