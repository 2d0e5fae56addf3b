"""Locked test cohorts, ``locked/<name>/cohort.json`` in the workspace: nothing trains on them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shazam.cohort.alike import folded
from shazam.cohort.folds import Splits, listed
from shazam.cohort.model import Cohort
from shazam.cohort.store import load_cohort
from shazam.config.section import Name
from shazam.errors import ArtifactError, ConfigError, LeakError
from shazam.publish import publish_json
from shazam.refs import SHA256_PATTERN
from shazam.workspace import Workspace

_FOLDER = "locked"
Record = TypeVar("Record", bound=BaseModel)


class Frozen(BaseModel):
    """A record that is never changed."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LockedCohort(Frozen):
    """What must never be trained on: cases, slide contents and, where promised, sites."""

    name: Name
    cohort_sha256: str = Field(pattern=SHA256_PATTERN)
    case_ids: tuple[str, ...] = Field(min_length=1)
    slide_sha256: tuple[str, ...]
    sites: tuple[str, ...] | None


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
        LeakError: a cohort that the workspace already holds shares cases, sites or slides, or
            cases of it are locked under another name.
    """
    sites = {case.site for case in cohort.cases if case.site is not None}
    if sites_preserved and any(case.site is None for case in cohort.cases):
        raise ConfigError(f"locked cohort '{name}': sites are promised, but not all are known")
    try:
        locked = LockedCohort(
            name=name,
            cohort_sha256=cohort.digest,
            case_ids=tuple(sorted({case.group_id for case in cohort.cases})),
            slide_sha256=tuple(
                sorted({s.sha256 for s in cohort.slides if s.size_bytes > 0 and s.sha256})
            ),
            sites=tuple(sorted(sites)) if sites_preserved else None,
        )
    except ValidationError as error:
        raise ConfigError(f"locked cohort '{name}': no valid name, or no cases") from error
    path = folder_of(name, workspace) / "cohort.json"
    if path.is_file():
        if read_record(path, LockedCohort) != locked:
            raise ConfigError(f"'{name}' is locked already, with other cases; choose another name")
        return locked
    _raise_if_locked(locked, workspace=workspace)
    _raise_if_known(locked, workspace=workspace)
    publish_json(path, locked)
    return locked


def locked_cohorts(workspace: Workspace) -> tuple[LockedCohort, ...]:
    """Return all locked cohorts of a workspace, by name.

    Raises:
        ArtifactError: one of them was altered.
    """
    files = [folder / "cohort.json" for folder in sorted((workspace.root / _FOLDER).glob("*"))]
    found = tuple(read_record(path, LockedCohort) for path in files)
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


def locked_cohort(name: str, *, workspace: Workspace) -> LockedCohort:
    """Return a locked cohort.

    Raises:
        ConfigError: there is none of this name.
        ArtifactError: it was altered.
    """
    for locked in locked_cohorts(workspace):
        if locked.name == name:
            return locked
    known = ", ".join(locked.name for locked in locked_cohorts(workspace)) or "none"
    raise ConfigError(f"no locked cohort '{name}' in this workspace; there are: {known}")


def _raise_if_locked(locked: LockedCohort, *, workspace: Workspace) -> None:
    """Refuse cases that have another name already: uses are counted by name."""
    for other in locked_cohorts(workspace):
        cases = _alike(locked.case_ids, to=other.case_ids)
        n_slides = len(set(locked.slide_sha256) & set(other.slide_sha256))
        if cases or n_slides:
            raise LeakError(
                f"locked cohort '{locked.name}': cases of it are locked as '{other.name}' already "
                f"({listed(cases) or f'{n_slides} slide content(s)'}); cases have one name, so "
                "that all their uses are counted together"
            )


def _raise_if_known(locked: LockedCohort, *, workspace: Workspace) -> None:
    files = sorted((workspace.root / "cohorts").glob("*/cohort.parquet"))
    cohorts = [load_cohort(file) for file in files]
    # splits name units, which may be tiles of the cases
    units = {c.case_id for own in cohorts for c in own.cases if c.group_id in locked.case_ids}
    for file in sorted((workspace.root / "manifests" / "split").glob("*.json")):
        folds = read_record(file, Splits).folds
        named = {case_id for fold in folds for ids in fold.parts.values() for case_id in ids}
        if fitted := _alike(named, to={*locked.case_ids, *units}):
            raise LeakError(
                f"locked cohort '{locked.name}': a run of this workspace was split over its "
                f"cases ({file.name}), so models may have seen them: {listed(fitted)}"
            )
    for other in cohorts:
        # its own cases may be here, as their features are needed; no run may split them
        if {case.group_id for case in other.cases} - set(locked.case_ids):
            _raise_overlap(other, locked=locked)


def _raise_overlap(cohort: Cohort, *, locked: LockedCohort) -> None:
    contents = set(locked.slide_sha256)
    shared: Mapping[str, Collection[str]] = {
        "cases": _alike({c.group_id for c in cohort.cases}, to=locked.case_ids),
        "slide contents of cases": {
            slide.case_id
            for slide in cohort.slides
            if slide.size_bytes > 0 and slide.sha256 in contents
        },
        "sites": _alike(
            {c.site for c in cohort.cases if c.site is not None}, to=locked.sites or ()
        ),
    }
    if found := [f"{what}: {listed(names)}" for what, names in shared.items() if names]:
        lines = "\n".join(f"  - {line}" for line in found)
        raise LeakError(
            f"the cohort shares with the locked cohort '{locked.name}', which nothing may train "
            f"on; take them out of the cohort table\n{lines}"
        )


def _alike(names: Collection[str], *, to: Collection[str]) -> set[str]:
    """Return the names that are among others, if only in another letter case or white space."""
    forms = {folded(name) for name in to}
    return {name for name in names if folded(name) in forms}


def folder_of(name: str, workspace: Workspace) -> Path:
    """Return the folder of a locked cohort."""
    return workspace.path(f"{_FOLDER}/{name}")


def read_record(path: Path, kind: type[Record]) -> Record:
    """Return a record.

    Raises:
        ArtifactError: the file is no such record.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        raise ArtifactError(
            f"{path}: missing, altered or damaged; restore this record from a copy"
        ) from error
