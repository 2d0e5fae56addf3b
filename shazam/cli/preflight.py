"""What is refused before a run writes anything, and the digests of what it starts from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import typer

from shazam.cohort import make_splits, read_split_files, splits_of_files
from shazam.cohort.known import Known
from shazam.cohort.model import Cohort
from shazam.cohort.sources import source_digest
from shazam.cohort.table import check_table, read_cases_table
from shazam.config import Config
from shazam.config.cohort import Unit
from shazam.config.slides import SlidesVersion
from shazam.config.splits import SplitsConfig
from shazam.digest import digest_of
from shazam.features.imports.planned import planned_imports
from shazam.features.imports.table import table_rows
from shazam.teachers import TeacherLibrary
from shazam.training.clinical_columns import column_kinds


@dataclass(frozen=True, slots=True)
class Checked:
    """Digests of the table with its slides, and of each teacher or of its files to import.

    ``cohort`` is what the table says; the slides in it have no digest yet.
    """

    source_digest: str
    identities: Mapping[str, str]
    cohort: Cohort


def preflight(config: Config) -> Checked:
    """Refuse what cannot be run, all mistakes of the table at once.

    Raises:
        ConfigError: a table, a file or a teacher is missing or wrong, or folds cannot be made.
    """
    checked = _sources(config)
    cohort = checked.cohort
    if config.has_clinical():
        column_kinds(cohort.cases, told=dict(cohort.clinical_kinds))
    if config.cohort.unit is Unit.CASE:
        # the folds are made again from what passes validation; here only to refuse them early
        _refuse_splits(cohort, config=config.splits)
    return checked


def preflight_of_features(config: Config) -> Checked:
    """Refuse features that cannot be made, of cases that are not divided into folds.

    Raises:
        ConfigError: a table, a file or a teacher is missing or wrong.
    """
    return _sources(config)


def _sources(config: Config) -> Checked:
    return _extraction(config) if config.imports is None else _imports(config)


def _refuse_splits(cohort: Cohort, *, config: SplitsConfig) -> None:
    if not config.files:
        make_splits(cohort.cases, task=cohort.task, config=config)
        return
    given = read_split_files(config.files, column=config.column)
    known = Known.of_cohort(cohort)
    members = (member for fold in given for part in fold.parts.values() for member in part)
    # without slides in hand, ids of slides wait for the step that has them
    if cohort.slides or all(known.place(member).named for member in members):
        splits_of_files(given, cohort=cohort, cases=cohort.cases, config=config)


def _extraction(config: Config) -> Checked:
    table, slides_dir = config.cohort.sources()
    version = config.cohort.slides
    library = TeacherLibrary.from_config(config.extracted())
    names = config.extracted().encoders()
    identities = {name: digest_of(library.identity(name)) for name in names}
    for name in identities:
        library.check_remote_code(name)
    if isinstance(version, SlidesVersion):  # the step that brings them looks at the files
        cohort = read_cases_table(table, config=config.cohort)
        source = digest_of([source_digest(table, slides_dir=None), version.md5])
    else:
        cohort = check_table(table, slides_dir=slides_dir, config=config.cohort)
        source = source_digest(table, slides_dir=slides_dir)
    _tell(cohort.notes)
    return Checked(source, identities, cohort)


def _imports(config: Config) -> Checked:
    table = config.cohort.outcomes()
    cohort = read_cases_table(table, config=config.cohort)
    _tell(cohort.notes)
    planned = planned_imports(config.imported())
    for one in planned:
        for file in one.files if one.options.is_table else ():
            table_rows(file.path, options=one.options)
    identities = {one.teacher.name: one.source_digest() for one in planned}
    return Checked(source_digest(table, slides_dir=None), identities, cohort)


def _tell(notes: Sequence[str]) -> None:
    for note in notes:
        typer.echo(f"note on the cohort table: {note}", err=True)
