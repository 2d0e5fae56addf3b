"""Tell what changed: beside its version, beside a git revision, and beside the remote."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shazam.errors import ConfigError
from shazam.integrations.dvc_add import manifest_beside, read_manifest
from shazam.integrations.dvc_cache import md5_of
from shazam.integrations.dvc_errors import by_dvc
from shazam.integrations.dvc_fetch import fetch_listing, in_cache
from shazam.integrations.dvc_listing import is_listing, listing_of_folder, read_listing
from shazam.integrations.dvc_remote import remote_of
from shazam.integrations.dvc_repository import Scope
from shazam.integrations.dvc_transfer import lacking_at, objects_of

if TYPE_CHECKING:
    from dvc.output import Output
    from dvc.repo import Repo


@dataclass(frozen=True, slots=True)
class State:
    """A version: what of it changed in its place, and what the remote lacks; None: no remote."""

    path: str
    md5: str
    changed: tuple[str, ...]
    n_objects: int
    n_lacking: int | None

    @property
    def clean(self) -> bool:
        """Whether nothing changed and all was sent."""
        return not self.changed and self.n_lacking == 0


def status(place: Scope) -> list[State]:
    """Return the state of each version.

    Raises:
        DataError: the remote cannot be asked.
    """
    return [_state(out, place=place) for out in place.outs()]


def diff(rev: str, *, place: Scope) -> dict[str, str]:
    """Return what became of each file since a git revision: added, modified or deleted.

    Raises:
        ConfigError: the repository is without git, or the revision is unknown.
        DataError: the listing of a folder is neither in the cache nor at the remote.
    """
    commit = commit_of(rev, repository=place.repository)
    before: dict[str, str] = {}
    for version in _versions_at(commit, rev=rev, place=place):
        before |= _files_of(version, place=place)
    now = _now(place)
    names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return {name: _became(name, before, now) for name in names}


def commit_of(rev: str, *, repository: Repo) -> str:
    """Return the commit that a git revision means.

    Raises:
        ConfigError: the repository is without git, or has no such revision.
    """
    from dvc.scm import NoSCM, RevError, resolve_rev

    if isinstance(repository.scm, NoSCM):
        raise ConfigError(
            f"{repository.root_dir}: is without git, so it has no revision '{rev}'; use the "
            "repository in which its pointers are committed"
        )
    try:
        return str(resolve_rev(repository.scm, rev))
    except RevError as error:
        raise ConfigError(
            f"{repository.root_dir}: has no git revision '{rev}'; name a commit, tag or branch of "
            "it ('git fetch --tags' brings those made elsewhere)"
        ) from error


def _state(out: Output, *, place: Scope) -> State:
    oid, path = str(out.hash_info.value), Path(out.fs_path)
    changed = [f"{place.shown(name)}: {what}" for name, what in _changes(out, place=place)]
    if manifest_beside(path).is_file() and read_manifest(path, md5=oid) is None:
        changed.append(f"{manifest_beside(path).name}: of another version")
    has_listing = not is_listing(oid) or in_cache(oid, repository=place.repository)
    objects = objects_of(out, place=place) if has_listing else {oid: place.shown(path)}
    if not (out.remote or place.repository.config["core"].get("remote")):
        return State(place.shown(path), oid, tuple(changed), len(objects), None)
    remote = remote_of(place.repository, name=out.remote)
    n_lacking = len(lacking_at(remote, objects))
    return State(place.shown(path), oid, tuple(changed), len(objects), n_lacking)


def _changes(out: Output, *, place: Scope) -> Iterator[tuple[str, str]]:
    oid, path = str(out.hash_info.value), Path(out.fs_path)
    if not path.exists():
        yield str(path), "not here (shazam data pull)"
    elif not is_listing(oid) or not in_cache(oid, repository=place.repository):
        if out.workspace_status():
            yield str(path), "modified"
    else:
        before = read_listing(oid, repository=place.repository)
        now = listing_of_folder(path, repository=place.repository)
        for name in sorted({*before, *now}):
            if before.get(name) != now.get(name):
                yield str(path / name), _became(name, before, now)


def _became(name: str, before: Mapping[str, str], now: Mapping[str, str]) -> str:
    if name not in before:
        return "added"
    return "modified" if name in now else "deleted"


@dataclass(frozen=True, slots=True)
class _Version:
    path: str
    oid: str
    remote: str | None


def _versions_at(commit: str, *, rev: str, place: Scope) -> list[_Version]:
    from dvc.repo.brancher import switch

    meant = [PurePosixPath(place.shown(path)) for path in place.paths]
    with (
        by_dvc(f"revision '{rev}'", advice="check that its pointers are sound"),
        switch(place.repository, commit),
    ):
        outs = [out for out in place.repository.index.outs if out.use_cache and out.hash_info]
        # the root is another while DVC looks at a commit
        found = [
            _Version(place.shown(out.fs_path), str(out.hash_info.value), out.remote) for out in outs
        ]
    return [version for version in found if _is_meant(version.path, meant)]


def _is_meant(path: str, meant: Sequence[PurePosixPath]) -> bool:
    own = PurePosixPath(path)
    return not meant or any(own.is_relative_to(one) or one.is_relative_to(own) for one in meant)


def _files_of(version: _Version, *, place: Scope) -> dict[str, str]:
    oid, shown = version.oid, version.path
    if not is_listing(oid):
        return {shown: oid}
    if in_cache(oid, repository=place.repository):
        listed = read_listing(oid, repository=place.repository)
    else:
        remote = remote_of(place.repository, name=version.remote)
        listed = fetch_listing(oid, what=shown, remote=remote, repository=place.repository)
    return {f"{shown}/{name}": md5 for name, md5 in listed.items()}


def _now(place: Scope) -> dict[str, str]:
    found: dict[str, str] = {}
    meant = [PurePosixPath(place.shown(path)) for path in place.paths]
    for out in place.repository.index.outs:
        path, shown = Path(out.fs_path), place.shown(out.fs_path)
        if not (out.use_cache and _is_meant(shown, meant)):
            continue
        if path.is_file():
            found[shown] = md5_of(path, repository=place.repository)
        elif path.is_dir():
            listed = listing_of_folder(path, repository=place.repository)
            found |= {f"{shown}/{name}": md5 for name, md5 in listed.items()}
    return found
