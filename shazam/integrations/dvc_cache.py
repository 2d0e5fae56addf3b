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

_READ_ONLY = 0o444


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
    md5 = _md5(shown, repository)
    kept = Path(repository.cache.local.path) / md5[:2] / md5[2:]
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
    kept.chmod(_READ_ONLY)


def _md5(path: Path, repository: Repo) -> str:
    """Return the MD5 of a file, which DVC remembers as long as the file is not touched."""
    from dvc.fs import LocalFileSystem

    _, known = repository.state.get(str(path.resolve()), LocalFileSystem())
    return str(known.value) if known and known.name == "md5" else md5_of_file(path)
