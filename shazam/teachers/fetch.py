"""Fetch a teacher from the hub or a mirror, and lock the bytes that came."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from shazam.digest import digest_of, digest_of_file
from shazam.errors import ArtifactError, ConfigError, HubError
from shazam.teachers.entry import Hub, TeacherEntry
from shazam.teachers.hub import HubClient, Snapshot
from shazam.teachers.library import beside_files
from shazam.teachers.lock import REVISION_PATTERN, LockedFile, LockedTeacher

_NEWEST = "main"
_REVISION_DIGITS = 40


@dataclass(frozen=True, slots=True)
class Fetched:
    """A lock entry, and what differs from the former one, a line each."""

    locked: LockedTeacher
    changes: tuple[str, ...]


def fetch_from_hub(
    entry: TeacherEntry,
    *,
    client: HubClient,
    known: LockedTeacher | None,
    update: bool,
    revision: str | None = None,
) -> Fetched:
    """Download a teacher's files and say what must be locked.

    Args:
        entry: its entry in the catalogue.
        client: the hub.
        known: its lock entry so far. It is fetched again at its revision and must not differ.
        update: take ``revision``, or else the newest, and allow other bytes.
        revision: a branch, tag or commit.

    Raises:
        ConfigError: it is no hub teacher, or its mirror's revision is not the hub's.
        AccessError: it is gated and there is no access.
        HubError: the hub cannot be reached, or lacks a file.
        ArtifactError: the bytes differ from the lock, or from what the hub states.
    """
    source = _hub_source(entry)
    if known is not None and not update and known.origin == "mirror":
        raise ConfigError(
            f"teacher '{entry.name}': was locked from a mirror, so its revision is not known to "
            "the hub; set SHAZAM_WEIGHTS to the mirror, or fetch with --update"
        )
    keep = known is not None and not update
    asked = known.revision if known is not None and keep else revision or _NEWEST
    snapshot = client.snapshot(source.hub_id, revision=asked)
    names = _needed(entry, snapshot.files, where=source.hub_id)

    def download(file: str) -> Path:
        return client.download(source.hub_id, revision=snapshot.revision, file=file)

    files = tuple(_measured(name, download, stated=snapshot) for name in names)
    locked = LockedTeacher(hub_id=source.hub_id, revision=snapshot.revision, files=files)
    return _compared(entry.name, locked, known=known, update=update)


def fetch_from_mirror(
    entry: TeacherEntry,
    *,
    weights_dir: Path,
    known: LockedTeacher | None,
    update: bool,
    revision: str | None = None,
) -> Fetched:
    """Lock a teacher's files as they lie in a mirror; see :func:`fetch_from_hub`.

    The mirror holds ``<hub_id>/<revision>/<file>`` or ``<hub_id>/<file>``. A folder that does not
    say its revision gets one that is made of its files' digests, and ``origin: mirror``.
    """
    source = _hub_source(entry)
    if revision is not None and re.fullmatch(REVISION_PATTERN, revision) is None:
        raise ConfigError(f"--revision {revision}: a mirror knows commits only: 40 hex digits")
    if known is not None and not update and known.origin == "hub":
        revision = known.revision
    folder, found = _mirror_folder(weights_dir / source.hub_id, revision)
    present = tuple(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    names = _needed(entry, present, where=str(folder))
    files = tuple(_measured(name, folder.joinpath) for name in names)
    locked = LockedTeacher(
        hub_id=source.hub_id,
        revision=found or _made_revision(files),
        origin="hub" if found else "mirror",
        files=files,
    )
    return _compared(entry.name, locked, known=known, update=update)


def _hub_source(entry: TeacherEntry) -> Hub:
    if not isinstance(entry.source, Hub):
        raise ConfigError(
            f"teacher '{entry.name}': is not on the hub, so there is nothing to fetch; its digest "
            "is in the catalogue"
        )
    return entry.source


def _needed(entry: TeacherEntry, present: tuple[str, ...], *, where: str) -> tuple[str, ...]:
    """Return the files to lock, the weights first."""
    candidates = _hub_source(entry).weights
    weights = next((name for name in candidates if name in present), None)
    if weights is None:
        raise HubError(
            f"teacher '{entry.name}': {where} holds no {' or '.join(candidates)}; correct "
            "source.weights in the catalogue, or complete the mirror"
        )
    missing = [name for name in beside_files(entry) if name not in present]
    if missing:
        raise HubError(f"teacher '{entry.name}': {where} lacks {', '.join(missing)}")
    return (weights, *beside_files(entry))


def _measured(
    name: str, place: Callable[[str], Path], *, stated: Snapshot | None = None
) -> LockedFile:
    path = place(name)
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        raise ArtifactError(f"{path}: is empty; delete it and fetch again")
    sha256 = digest_of_file(path)
    wanted = stated.stated_sha256.get(name) if stated is not None else None
    if wanted is not None and wanted != sha256:
        raise ArtifactError(
            f"{path}: has SHA-256 {sha256[:12]}..., the hub states {wanted[:12]}...; delete it and "
            "fetch again"
        )
    return LockedFile(file=name, sha256=sha256, size_bytes=size_bytes)


def _mirror_folder(root: Path, revision: str | None) -> tuple[Path, str | None]:
    """Return the folder with the files, and the revision if it is known."""
    if not root.is_dir():
        raise HubError(f"{root}: the mirror has no such folder")
    if revision is not None:
        return (root / revision if (root / revision).is_dir() else root), revision
    named = [p for p in sorted(root.iterdir()) if re.fullmatch(REVISION_PATTERN, p.name)]
    if len(named) > 1:
        raise ConfigError(
            f"{root}: holds {len(named)} revisions; choose one with --revision: "
            f"{', '.join(path.name for path in named)}"
        )
    return (named[0], named[0].name) if named else (root, None)


def _made_revision(files: tuple[LockedFile, ...]) -> str:
    return digest_of([[file.file, file.sha256] for file in files])[:_REVISION_DIGITS]


def _compared(
    name: str, locked: LockedTeacher, *, known: LockedTeacher | None, update: bool
) -> Fetched:
    changes = _changes(known, locked) if known is not None else ()
    if changes and not update:
        raise ArtifactError(
            f"teacher '{name}': what was fetched differs from the lock, which stays as it is: "
            f"{'; '.join(changes)}; if that is meant, fetch with --update"
        )
    return Fetched(locked=locked, changes=changes)


def _changes(former: LockedTeacher, now: LockedTeacher) -> tuple[str, ...]:
    lines = [
        f"{field}: {getattr(former, field)} -> {getattr(now, field)}"
        for field in ("hub_id", "revision", "origin")
        if getattr(former, field) != getattr(now, field)
    ]
    before = {file.file: file for file in former.files}
    after = {file.file: file for file in now.files}
    for name in sorted(before | after):
        was, is_ = before.get(name), after.get(name)
        if was is None or is_ is None:
            lines.append(f"{name}: {'added' if was is None else 'gone'}")
        elif was != is_:
            lines.append(
                f"{name}: {was.sha256[:12]}... ({was.size_bytes} bytes) -> "
                f"{is_.sha256[:12]}... ({is_.size_bytes} bytes)"
            )
    return tuple(lines)
