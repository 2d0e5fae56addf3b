"""Send versions to a remote, and bring them back: all of a version, or nothing of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shazam.digest import digest_of_file
from shazam.errors import DataError
from shazam.integrations.dvc_add import read_manifest
from shazam.integrations.dvc_cache import place_in_cache
from shazam.integrations.dvc_errors import by_dvc
from shazam.integrations.dvc_fetch import fetch, fetch_listing, in_cache, in_threads
from shazam.integrations.dvc_listing import is_listing, read_listing
from shazam.integrations.dvc_remote import Remote, remote_of
from shazam.integrations.dvc_repository import Scope

if TYPE_CHECKING:
    from dvc.output import Output


@dataclass(frozen=True, slots=True)
class Moved:
    """A version and what became of it; ``verified`` says that SHA-256 were compared too."""

    path: str
    md5: str
    n_files: int
    n_moved: int
    verified: bool = False


def push(place: Scope) -> list[Moved]:
    """Send what the remotes do not have; a folder's listing follows its files.

    Raises:
        ConfigError: there is no remote.
        DataError: the cache lacks an object, or the remote does not take one.
    """
    return [_push(out, place=place) for out in place.outs() if out.can_push]


def pull(place: Scope) -> list[Moved]:
    """Bring versions into the cache, check every byte, and only then into their places.

    Raises:
        ConfigError: there is no remote.
        DataError: an object is missing or has other bytes, the remote does not answer, or files
            in the way are of no version; no file outside the cache was changed.
    """
    outs = place.outs()
    moved = [_bring(out, place=place) for out in outs]
    paths = [str(out.fs_path) for out in outs]
    advice = "version or remove files that are in the way, then pull again"
    if paths:
        with by_dvc(", ".join(map(place.shown, paths)), advice=advice):
            place.repository.checkout(targets=paths)
    return moved


def objects_of(out: Output, *, place: Scope) -> dict[str, str]:
    """Return the objects of a version in the order in which they are sent, and their names.

    Raises:
        DataError: the listing of a folder is not in the cache.
    """
    shown, oid = place.shown(out.fs_path), str(out.hash_info.value)
    if not is_listing(oid):
        return {oid: shown}
    listed = read_listing(oid, repository=place.repository)
    return {**_named(listed, shown=shown), oid: f"{shown} (its listing, object {oid})"}


def lacking_at(remote: Remote, objects: dict[str, str]) -> list[str]:
    """Return the objects that a remote does not have, in the order given.

    Raises:
        DataError: it cannot be asked.
    """
    there = in_threads(remote.has, objects)
    return [oid for oid in objects if not there[oid]]


def _push(out: Output, *, place: Scope) -> Moved:
    remote = remote_of(place.repository, name=out.remote)
    objects = objects_of(out, place=place)
    lacking = lacking_at(remote, objects)
    for oid in lacking:
        if not in_cache(oid, repository=place.repository):
            raise DataError(
                f"{objects[oid]}: the cache has not the bytes of its version, so that they cannot "
                f"be sent to {remote.name}; run 'shazam data version' or 'shazam data pull' first"
            )

    def send(oid: str) -> None:
        remote.put(oid, place_in_cache(oid, repository=place.repository), what=objects[oid])

    in_threads(send, [oid for oid in lacking if not is_listing(oid)])
    in_threads(send, [oid for oid in lacking if is_listing(oid)])
    oid = str(out.hash_info.value)
    return Moved(place.shown(out.fs_path), oid, len(objects) - is_listing(oid), len(lacking))


def _bring(out: Output, *, place: Scope) -> Moved:
    repository = place.repository
    shown, oid, path = place.shown(out.fs_path), str(out.hash_info.value), Path(out.fs_path)
    manifest = read_manifest(path, md5=oid)
    changed = bool(out.workspace_status())
    remote = remote_of(repository, name=out.remote)
    if is_listing(oid):
        listed = fetch_listing(oid, what=shown, remote=remote, repository=repository)
        objects = _named(listed, shown=shown)
    else:
        listed, objects = {path.name: oid}, {oid: shown}
    sha256 = {} if manifest is None else _by_object(listed, manifest.files, shown=shown)
    came = fetch(objects, remote=remote, repository=repository, sha256=sha256)
    if changed:
        _check_kept({o: s for o, s in sha256.items() if o not in came}, objects, place=place)
    return Moved(shown, oid, len(listed), len(came), verified=manifest is not None)


def _by_object(listed: dict[str, str], recorded: dict[str, str], *, shown: str) -> dict[str, str]:
    if set(listed) != set(recorded):
        raise DataError(
            f"{shown}: its SHA-256 manifest lists other files than the version has; restore both "
            "by 'git checkout', or ask who made them"
        )
    return {oid: recorded[name] for name, oid in listed.items()}


def _check_kept(sha256: dict[str, str], objects: dict[str, str], *, place: Scope) -> None:
    for oid, expected in sha256.items():
        kept = place_in_cache(oid, repository=place.repository)
        if digest_of_file(kept) != expected:
            raise DataError(
                f"{objects[oid]}: {kept} has the MD5 of its version, but not the SHA-256 that was "
                "recorded with it; nothing of it is taken: ask who made it"
            )


def _named(listed: dict[str, str], *, shown: str) -> dict[str, str]:
    return {oid: f"{shown}/{name} (object {oid})" for name, oid in listed.items()}
