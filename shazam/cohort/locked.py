"""Locked test cohorts: nothing trains on them, and each release is measured on them once.

A locked cohort is ``locked/<name>/cohort.json`` in the workspace, its uses are
``locked/<name>/uses/<number>.json``. A use holds the digest of the one before it, the first that
of the cohort, so none can be altered, removed from between or put elsewhere unseen; ``head.json``
names the last.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from shazam.cohort.folds import listed
from shazam.cohort.model import Cohort
from shazam.cohort.store import load_cohort
from shazam.config.section import Name
from shazam.digest import digest_of
from shazam.errors import ArtifactError, ConfigError, LeakError
from shazam.publish import publish_json
from shazam.refs import SHA256_PATTERN
from shazam.workspace import Workspace

_FOLDER = "locked"
Record = TypeVar("Record", bound=BaseModel)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LockedCohort(_Record):
    """What must never be trained on: cases, slide contents and, where promised, sites."""

    name: Name
    cohort_sha256: str = Field(pattern=SHA256_PATTERN)
    case_ids: tuple[str, ...] = Field(min_length=1)
    slide_sha256: tuple[str, ...]
    sites: tuple[str, ...] | None


class Use(_Record):
    """One use: who measured which release, why and when; ``previous`` is the record before it."""

    number: PositiveInt
    who: str = Field(min_length=1, max_length=200)
    why: str = Field(min_length=1, max_length=1000)
    when: AwareDatetime
    release: Name
    bundle_sha256: str = Field(pattern=SHA256_PATTERN)
    previous: str = Field(pattern=SHA256_PATTERN)


class _Head(_Record):
    n_uses: int = Field(ge=0)
    last: str = Field(pattern=SHA256_PATTERN)


def lock_cohort(
    cohort: Cohort, *, name: str, sites_preserved: bool, workspace: Workspace
) -> LockedCohort:
    """Lock a cohort under a name; the same cohort may be locked again without effect.

    Args:
        cohort: the test cases.
        name: of the locked cohort.
        sites_preserved: promise that none of its sites is trained on.
        workspace: where it is locked; its other cohorts must not overlap with it.

    Raises:
        ConfigError: another cohort has this name, the name is no name, or sites are promised but
            not known.
        LeakError: a cohort that the workspace already holds shares cases, sites or slides.
    """
    sites = {case.site for case in cohort.cases if case.site is not None}
    if sites_preserved and any(case.site is None for case in cohort.cases):
        raise ConfigError(f"locked cohort '{name}': sites are promised, but not all are known")
    try:
        locked = LockedCohort(
            name=name,
            cohort_sha256=cohort.digest,
            case_ids=tuple(sorted({case.group_id for case in cohort.cases})),
            slide_sha256=tuple(sorted({s.sha256 for s in cohort.slides if s.size_bytes > 0})),
            sites=tuple(sorted(sites)) if sites_preserved else None,
        )
    except ValidationError as error:
        raise ConfigError(f"locked cohort '{name}': no valid name, or no cases") from error
    path = _folder(name, workspace) / "cohort.json"
    if path.is_file():
        if _read(path, LockedCohort) != locked:
            raise ConfigError(f"'{name}' is locked already, with other cases; choose another name")
        return locked
    for file in sorted((workspace.root / "cohorts").glob("*/cohort.parquet")):
        other = load_cohort(file)
        if {case.group_id for case in other.cases} - set(locked.case_ids):
            _raise_overlap(other, locked=locked)
    publish_json(path, locked)
    return locked


def locked_cohorts(workspace: Workspace) -> tuple[LockedCohort, ...]:
    """Return all locked cohorts of a workspace, by name.

    Raises:
        ArtifactError: one of them was altered.
    """
    files = sorted((workspace.root / _FOLDER).glob("*/cohort.json"))
    found = tuple(_read(path, LockedCohort) for path in files)
    for path, locked in zip(files, found, strict=True):
        if locked.name != path.parent.name:
            raise ArtifactError(f"{path}: is of '{locked.name}'; the record was moved")
    return found


def check_not_locked(cohort: Cohort, *, workspace: Workspace) -> None:
    """Check that a cohort that is trained on shares nothing with a locked one.

    Raises:
        LeakError: cases, slide contents or promised sites are shared; names all of them.
        ArtifactError: the record of a locked cohort was altered.
    """
    for locked in locked_cohorts(workspace):
        _raise_overlap(cohort, locked=locked)


def record_use(
    name: str,
    *,
    release: str,
    bundle_sha256: str,
    who: str,
    why: str,
    when: datetime,
    workspace: Workspace,
) -> Use:
    """Record that a release is measured on a locked cohort; call it before any result is seen.

    The caller holds the workspace, so that no two record at once.

    Raises:
        ConfigError: there is no such cohort, or a value is missing or malformed.
        LeakError: the release, or its bundle under another name, was measured before.
        ArtifactError: the record of uses is not whole.
    """
    uses = uses_of(name, workspace=workspace)
    for use in uses:
        if use.release.casefold() == release.casefold() or use.bundle_sha256 == bundle_sha256:
            raise LeakError(
                f"locked cohort '{name}' was used for release {use.release} (bundle "
                f"{use.bundle_sha256[:12]}) by {use.who} on {use.when:%Y-%m-%d}: use {use.number} "
                f"of {len(uses)}; a release is measured once, so read that result"
            )
    try:
        use = Use(
            number=len(uses) + 1,
            who=who,
            why=why,
            when=when,
            release=release,
            bundle_sha256=bundle_sha256,
            previous=digest_of(uses[-1] if uses else _locked(name, workspace)),
        )
    except ValidationError as error:
        told = "; ".join(f"{problem['loc'][0]}: {problem['msg']}" for problem in error.errors())
        raise ConfigError(f"use of locked cohort '{name}': {told}") from error
    folder = _folder(name, workspace)
    publish_json(folder / "uses" / f"{use.number:06d}.json", use)
    publish_json(folder / "head.json", _Head(n_uses=use.number, last=digest_of(use)))
    return use


def uses_of(name: str, *, workspace: Workspace) -> tuple[Use, ...]:
    """Return all uses of a locked cohort, after their chain was checked.

    Raises:
        ConfigError: there is no such cohort.
        ArtifactError: a use was altered, removed or added by hand.
    """
    previous = digest_of(_locked(name, workspace))
    folder = _folder(name, workspace)
    digests = [previous]
    uses: list[Use] = []
    for number, path in enumerate(sorted((folder / "uses").glob("*.json")), start=1):
        use = _read(path, Use)
        if use.number != number or path.stem != f"{number:06d}" or use.previous != digests[-1]:
            raise ArtifactError(
                f"{path}: does not follow use {number - 1}; the record of uses was altered, and "
                "nothing can be claimed on this cohort until it is restored"
            )
        uses.append(use)
        digests.append(digest_of(use))
    head_path = folder / "head.json"
    head = _read(head_path, _Head) if head_path.is_file() else _Head(n_uses=0, last=previous)
    # a stop between the two writes leaves the head one use behind
    if head.n_uses not in (len(uses), len(uses) - 1) or head.last != digests[head.n_uses]:
        raise ArtifactError(
            f"{folder}: {head.n_uses} uses were recorded, {len(uses)} are there; the record of "
            "uses was altered, and nothing can be claimed on this cohort until it is restored"
        )
    return tuple(uses)


def _locked(name: str, workspace: Workspace) -> LockedCohort:
    for locked in locked_cohorts(workspace):
        if locked.name == name:
            return locked
    known = ", ".join(locked.name for locked in locked_cohorts(workspace)) or "none"
    raise ConfigError(f"no locked cohort '{name}' in this workspace; there are: {known}")


def _raise_overlap(cohort: Cohort, *, locked: LockedCohort) -> None:
    shared: Mapping[str, Collection[str]] = {
        "cases": {c.group_id for c in cohort.cases} & set(locked.case_ids),
        "slide contents of cases": {
            slide.case_id
            for slide in cohort.slides
            if slide.size_bytes > 0 and slide.sha256 in locked.slide_sha256
        },
        "sites": {c.site for c in cohort.cases if c.site is not None} & set(locked.sites or ()),
    }
    if found := [f"{what}: {listed(names)}" for what, names in shared.items() if names]:
        lines = "\n".join(f"  - {line}" for line in found)
        raise LeakError(
            f"the cohort shares with the locked cohort '{locked.name}', which nothing may train "
            f"on; take them out of the cohort table\n{lines}"
        )


def _folder(name: str, workspace: Workspace) -> Path:
    return workspace.path(f"{_FOLDER}/{name}")


def _read(path: Path, kind: type[Record]) -> Record:
    try:
        return kind.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        raise ArtifactError(f"{path}: altered or damaged: no {kind.__name__}") from error
