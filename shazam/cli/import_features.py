"""What `shazam features import` does: find, read, judge, write, and tell of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from shazam.cli.occupy import occupy
from shazam.cohort.slide_cases import SlideCases, read_slide_cases
from shazam.errors import CohortError
from shazam.features.imports.asked import files_asked_for
from shazam.features.imports.bag import ImportOptions
from shazam.features.imports.bags import Bag, find_bags
from shazam.features.imports.importing import STAGE, Imported, import_bags
from shazam.features.imports.teacher import ImportedTeacher
from shazam.features.imports.widths import widths_text
from shazam.progress import console_progress
from shazam.workspace import Workspace

OWN_CASES = "every slide is a case of its own: neither --cohort nor --feature-map was given"


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What the user asks for."""

    paths: tuple[Path, ...]
    teacher: ImportedTeacher
    options: ImportOptions
    feature_map: Path | None
    feature_root: Path | None
    cohort: Path | None
    max_quarantine_fraction: float


@dataclass(frozen=True, slots=True)
class _Stored:
    """Where the manifest and the Data Docs lie, and what the contract warns of."""

    uri: str
    sha256: str
    data_docs_uri: str
    warnings: tuple[str, ...]


def run_import(request: ImportRequest, *, workspace: Path, dry_run: bool, as_json: bool) -> int:
    """Import features and print what was done; returns the number of slides set aside.

    Raises:
        ShazamError: the import cannot be done; see the exit codes.
    """
    cases = None if request.cohort is None else read_slide_cases(request.cohort)
    bags = _bags(request, cases=cases)
    place = Workspace(workspace)
    with nullcontext() if dry_run else occupy(place):
        imported = import_bags(
            bags,
            teacher=request.teacher,
            options=request.options,
            workspace=place,
            write=not dry_run,
            max_quarantine_fraction=request.max_quarantine_fraction,
            progress=lambda total: console_progress("import", total),
        )
        stored = None if dry_run else _store(imported, workspace=place)
    notes = _notes(request, imported, bags=bags, cases=cases)
    if as_json:
        print(json.dumps(_as_json(imported, stored, notes=notes), sort_keys=True))
    else:
        _print(imported, stored, notes=notes)
    return len(imported.manifest.quarantine)


def _bags(request: ImportRequest, *, cases: SlideCases | None) -> tuple[Bag, ...]:
    files = files_asked_for(
        request.paths,
        feature_map=request.feature_map,
        feature_root=request.feature_root,
        teacher=request.teacher.name,
        is_table=request.options.is_table,
    )

    def case_of(slide_id: str) -> str:
        return (cases.case_of(slide_id) if cases else None) or slide_id

    bags = find_bags(files, options=request.options, case_of=case_of)
    if cases is not None:
        _check_cases(bags, cases)
    return bags


def _check_cases(bags: Sequence[Bag], cases: SlideCases) -> None:
    problems = []
    for bag in bags:
        case_id = cases.case_of(bag.slide_id)
        if case_id is None:
            problems.append(f"slide '{bag.slide_id}' ({bag.file.path.name}) has no row")
        elif case_id != bag.case_id:
            problems.append(
                f"slide '{bag.slide_id}' belongs to case '{case_id}' here and to case "
                f"'{bag.case_id}' in the feature map"
            )
    if problems:
        raise CohortError(cases.table, problems)


def _store(imported: Imported, *, workspace: Workspace) -> _Stored:
    from shazam.integrations.environment import prepare_environment

    prepare_environment(workspace)

    from shazam.integrations.contracts import check_import_contract

    result = check_import_contract([imported.manifest], workspace=workspace)
    uri, sha256 = workspace.write_manifest(STAGE, imported.manifest)
    return _Stored(uri, sha256, result.data_docs_uri, result.warnings)


def _notes(
    request: ImportRequest, imported: Imported, *, bags: Sequence[Bag], cases: SlideCases | None
) -> list[str]:
    slides = imported.manifest.slides
    notes = []
    if cases is None and request.feature_map is None:
        notes.append(OWN_CASES)
    reasons = Counter(slide.without_coords for slide in slides if slide.without_coords)
    notes += [
        f"no coordinates in {count} of {len(slides)} slides: {reason}"
        for reason, count in sorted(reasons.items())
    ]
    if cases is not None:
        absent = set(cases.by_slide.values()) - {bag.case_id for bag in bags}
        if absent:
            notes.append(f"{len(absent)} cases of {cases.table} have no features here")
    return notes


def _as_json(imported: Imported, stored: _Stored | None, *, notes: list[str]) -> dict[str, object]:
    manifest = imported.manifest
    return {
        "teacher": manifest.teacher.model_dump(mode="json"),
        "n_slides": len(manifest.slides),
        "n_cases": len({slide.case_id for slide in manifest.slides}),
        "n_tiles": sum(slide.n_tiles for slide in manifest.slides),
        "n_written": imported.n_written if stored else 0,
        "n_kept": imported.n_kept,
        "n_quarantined": len(manifest.quarantine),
        "quarantine": [entry.model_dump(mode="json") for entry in manifest.quarantine],
        "notes": notes,
        "dry_run": stored is None,
        "manifest": None if stored is None else asdict(stored),
    }


def _print(imported: Imported, stored: _Stored | None, *, notes: list[str]) -> None:
    manifest = imported.manifest
    n_cases = len({slide.case_id for slide in manifest.slides})
    n_tiles = sum(slide.n_tiles for slide in manifest.slides)
    print(
        f"{len(manifest.slides)} slides of {n_cases} cases, {n_tiles} tiles, teacher "
        f"'{manifest.teacher.name}' ({widths_text(manifest.teacher.dims)}), "
        f"{len(manifest.quarantine)} quarantined"
    )
    for entry in manifest.quarantine:
        print(f"  quarantined {entry.slide_id}: {entry.reason}: {entry.message}")
    for note in notes:
        print(f"  {note}")
    if stored is None:
        print(f"dry run: {imported.n_written} files would be written, {imported.n_kept} are there")
        return
    for warning in stored.warnings:
        print(f"  warning: {warning}")
    print(f"{imported.n_written} files written, {imported.n_kept} were there")
    print(f"Data Docs {stored.data_docs_uri}")
    print(stored.uri)
