"""The identity of a teacher: everything that changes the bytes of its features."""

from __future__ import annotations

from dataclasses import asdict

from shazam.digest import digest_of
from shazam.errors import ConfigError
from shazam.manifests import TeacherIdentity
from shazam.teachers.entry import Handcrafted, Hub, Local, Packaged, TeacherEntry
from shazam.teachers.lock import Lock

# part of every identity; raise it when the forward or the transform of a network changes
FORWARD_METHOD = "one-forward-2"


def identity(entry: TeacherEntry, lock: Lock | None = None) -> TeacherIdentity:
    """Return the identity of a teacher.

    Args:
        entry: its entry in the catalogue.
        lock: needed for teachers of the hub.

    Raises:
        ConfigError: a hub teacher is not in the lock.
    """
    revision, weights_sha256, beside = _bytes_of(entry, lock or Lock())
    return TeacherIdentity(
        name=entry.name,
        revision=revision,
        weights_sha256=weights_sha256,
        transform_sha256=digest_of(
            {
                "method": FORWARD_METHOD,
                "network": asdict(entry.network) if entry.network else None,
                "transform": asdict(entry.transform) if entry.transform else None,
                "beside": beside,
            }
        ),
        dims=entry.dims,
        licence=entry.licence,
    )


def _bytes_of(entry: TeacherEntry, lock: Lock) -> tuple[str, str, dict[str, str]]:
    """Return (revision, digest of the weights, digests of what lies beside them)."""
    match entry.source:
        case Hub(hub_id=hub_id):
            locked = lock.locked(entry.name, hub_id=hub_id)
            beside = {file.file: file.sha256 for file in locked.files[1:]}
            return locked.revision, locked.weights.sha256, beside
        case Packaged(sha256=sha256) | Local(sha256=sha256):
            return _revision(entry), sha256, {}
        case Handcrafted(definition=definition):
            revision = _revision(entry)
            return revision, digest_of([definition, revision]), {}


def _revision(entry: TeacherEntry) -> str:
    if entry.revision is None:
        raise ConfigError(f"teacher '{entry.name}': has no revision in the catalogue")
    return entry.revision
