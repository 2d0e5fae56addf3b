"""Bring objects from a remote into DVC's cache: each is checked before it has its name there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from shazam.digest import digest_of_file, md5_of_file
from shazam.errors import DataError
from shazam.integrations.dvc_cache import READ_ONLY, md5_of, place_in_cache, remember
from shazam.integrations.dvc_listing import DIRECTORY, is_listing, read_listing
from shazam.integrations.dvc_remote import Remote
from shazam.publish import publish

if TYPE_CHECKING:
    from dvc.repo import Repo

N_THREADS = 8
_EMPTY = hashlib.md5(b"", usedforsecurity=False).hexdigest()

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_cache(oid: str, *, repository: Repo) -> bool:
    """Tell whether the cache has an object, with the bytes that its name says."""
    kept = place_in_cache(oid, repository=repository)
    if not kept.is_file():
        return False
    if is_listing(oid):  # small, and DVC remembers it by another name
        return md5_of_file(kept) == oid.removesuffix(DIRECTORY)
    return md5_of(kept, repository=repository) == oid


def fetch_listing(oid: str, *, what: str, remote: Remote, repository: Repo) -> dict[str, str]:
    """Return the files of a folder's version; its listing is brought if the cache lacks it.

    Raises:
        DataError: see :func:`fetch`.
    """
    fetch({oid: f"{what} (its listing, object {oid})"}, remote=remote, repository=repository)
    return read_listing(oid, repository=repository)


def fetch(
    wanted: Mapping[str, str],
    *,
    remote: Remote,
    repository: Repo,
    sha256: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Bring the objects that the cache lacks; returns the SHA-256 of those that came.

    Args:
        wanted: names of objects, each with what a user knows it by.
        remote: where they are.
        repository: whose cache gets them.
        sha256: of objects for which one was recorded.

    Raises:
        DataError: an object is missing or has other bytes, or the remote does not answer. What
            was brought before it stays in the cache.
    """

    def bring(oid: str) -> str:
        return _bring(
            oid,
            what=wanted[oid],
            remote=remote,
            target=place_in_cache(oid, repository=repository),
            sha256=sha256.get(oid),
        )

    lacking = [oid for oid in wanted if not in_cache(oid, repository=repository)]
    came = in_threads(bring, lacking)
    for oid in came:
        if not is_listing(oid):  # it was checked just now
            remember(place_in_cache(oid, repository=repository), oid, repository=repository)
    return came


def in_threads(work: Callable[[Item], Result], items: Iterable[Item]) -> dict[Item, Result]:
    """Do work on several items at once; after a failure no more are begun."""
    with ThreadPoolExecutor(N_THREADS) as pool:
        begun = {pool.submit(work, item): item for item in items}
        try:
            return {begun[done]: done.result() for done in as_completed(begun)}
        finally:
            pool.shutdown(cancel_futures=True)


def _bring(oid: str, *, what: str, remote: Remote, target: Path, sha256: str | None) -> str:
    if oid == _EMPTY:  # nothing to bring
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
        return digest_of_file(target)

    def write(path: Path) -> None:
        remote.get(oid, path, what=what)
        _check(path, oid=oid, what=what, remote=remote, sha256=sha256)

    came = publish(target, write)
    target.chmod(READ_ONLY)
    return came


def _check(path: Path, *, oid: str, what: str, remote: Remote, sha256: str | None) -> None:
    found = md5_of_file(path)
    if found != oid.removesuffix(DIRECTORY):
        raise DataError(
            f"{what}: the remote {remote.name} gave other bytes (MD5 {found}) than its name "
            "promises; nothing of it is taken: push it again from where it is whole"
        )
    if sha256 is not None and digest_of_file(path) != sha256:
        raise DataError(
            f"{what}: the remote {remote.name} gave bytes of the right MD5, but not of the SHA-256 "
            "that was recorded with the version; nothing of it is taken: ask who made it"
        )
