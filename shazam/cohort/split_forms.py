"""The forms in which folds are written down, and the folds of one table or folder."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from shazam.cohort.findings import some_of
from shazam.cohort.plain_table import PlainTable, read_plain_table
from shazam.errors import ConfigError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
CASE_COLUMNS = ("case_id", "submitter_id", "patient_id", "patient", "case", "bcr_patient_barcode")
SLIDE_COLUMNS = ("slide_id", "slide", "image_id", "filename")
_PART_NAMES = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("val", "valid", "validation", "dev"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
}
_PART_COLUMNS = ("group", "split", "part", "set", "subset", "fold")
_TRUE, _FALSE = {"true", "1", "1.0"}, {"false", "0", "0.0"}
_EMPTY = {"", "nan", "na", "none"}
_FOLD_COLUMN = re.compile(r"(cv|k_?fold|fold|split)", re.IGNORECASE)
_NUMBER = re.compile(r"(\d+)(\.0)?")
_MOST_FOLDS = 50


@dataclass(frozen=True, slots=True)
class Member:
    """What a split file calls a case: an id of a case or slide, and its slide where both stand."""

    name: str
    slide_id: str | None = None


@dataclass(frozen=True, slots=True)
class GivenFold:
    """The parts of one fold by name: train, validation, test, or test_<cohort> for a further one.

    ``family`` is shared by the folds that belong together.
    """

    name: str
    family: str
    parts: Mapping[str, tuple[Member, ...]]


def part_of(name: str) -> str | None:
    """Return the part that a file or cell is named after; None if after none."""
    lowered = name.strip().lower()
    if re.fullmatch(r"test[_-].+", lowered):
        return lowered.replace("-", "_")
    return _PART_NAMES.get(lowered)


def folds_of_table(table: PlainTable, *, column: str | None) -> tuple[GivenFold, ...]:
    """Return the folds of a table in any of its forms.

    Args:
        table: has a column for each part (ids, or true and false), a column of part names, or
            columns of fold numbers.
        column: the column of fold numbers to take; None for all of them.

    Raises:
        ConfigError: the table has none of these forms.
    """
    # beside train and test a column such as test_label is no part
    named = ((name, _PART_NAMES.get(name.lower())) for name in table.header)
    parts = {name: part for name, part in named if part is not None}
    if column is None and TRAIN in parts.values() and len(set(parts.values())) > 1:
        return (_fold_of_columns(table, parts),)
    return _folds_of_assignments(table, column=column)


def fold_of_folder(files: Mapping[str, Path], *, name: str, family: str) -> GivenFold:
    """Return the fold whose parts are one table each, by the name of the part.

    Raises:
        ConfigError: a table has no column of ids, or there is nothing to test.
    """
    if TRAIN not in files or len(files) < 2:
        found = ", ".join(sorted(files))
        where = next((path.parent for path in files.values()), name)
        raise ConfigError(
            f"{where}: has a table for {found or 'no part'} only; a fold needs train and test (or "
            "val): add the table that is missing, or give other files"
        )
    parts = {part: _members(read_plain_table(path)) for part, path in files.items()}
    return GivenFold(name, family, parts)


def _fold_of_columns(table: PlainTable, parts: Mapping[str, str]) -> GivenFold:
    if len(set(parts.values())) < len(parts):
        twice = [name for name in parts if list(parts.values()).count(parts[name]) > 1]
        raise ConfigError(
            f"{table.path}: two columns for one part: {', '.join(sorted(twice))}; keep one of them"
        )
    cells = {part: table.column(name) for name, part in parts.items()}
    values = {cell.lower() for column in cells.values() for cell in column} - _EMPTY
    index = [name for name in table.header if name not in parts]
    has_ids = table.first_of((*CASE_COLUMNS, *SLIDE_COLUMNS)) is not None
    named = has_ids or (bool(index) and not _counts_rows(table.column(index[0])))
    if values <= {"true", "false"} or (named and values <= _TRUE | _FALSE):
        members = _members(table, otherwise=index[0] if index else None)
        found = {
            part: tuple(
                member
                for member, cell in zip(members, column, strict=True)
                if cell.lower() in _TRUE
            )
            for part, column in cells.items()
        }
    elif named and all(_NUMBER.fullmatch(value) for value in values):
        raise ConfigError(
            f"{table.path}: counts the cases of each part, but does not name them; give the "
            "file with the ids"
        )
    else:
        found = {
            part: tuple(Member(cell) for cell in column if cell.lower() not in _EMPTY)
            for part, column in cells.items()
        }
    present = {part: members for part, members in found.items() if members}
    if TRAIN not in present or len(present) < 2:
        lacking = "to train on" if TRAIN not in present else "to test"
        raise ConfigError(
            f"{table.path}: has no cases {lacking}; its columns {', '.join(parts)} name "
            f"{', '.join(f'{len(own)} of {part}' for part, own in found.items())}: complete them, "
            "or give another file"
        )
    name = f"{table.path.resolve().parent.name}/{table.path.name}"
    return GivenFold(name, family_of(table.path), present)


def _folds_of_assignments(table: PlainTable, *, column: str | None) -> tuple[GivenFold, ...]:
    if column is not None and column not in table.header:
        raise ConfigError(
            f"{table.path}: has no column '{column}' (splits.column, or --column); it has: "
            f"{some_of(table.header)}; name one of them that holds folds"
        )
    columns = [column] if column is not None else _fold_columns(table)
    if not columns:
        raise ConfigError(
            f"{table.path}: says no folds; it needs columns train, val and test, a column of part "
            "names (train, test), or a column of fold numbers such as fold"
        )
    members = _members(table)
    return tuple(fold for name in columns for fold in _folds_of_column(table, name, members))


def _fold_columns(table: PlainTable) -> list[str]:
    return [
        name
        for name in table.header
        if (_FOLD_COLUMN.match(name) and _are_fold_numbers(table.column(name)))
        or (name.lower() in _PART_COLUMNS and _are_part_names(table.column(name)))
    ]


def _folds_of_column(
    table: PlainTable, name: str, members: Sequence[Member]
) -> tuple[GivenFold, ...]:
    cells = table.column(name)
    family = f"{table.path.name}: {name}"
    held: dict[str, list[Member]] = {}
    for member, cell in zip(members, cells, strict=True):
        if cell.lower() not in _EMPTY:
            held.setdefault(part_of(cell) or cell.removesuffix(".0"), []).append(member)
    if _are_part_names(cells):
        parts = {part: tuple(found) for part, found in held.items()}
        return (GivenFold(family, family, parts),)
    if not _are_fold_numbers(cells):
        values = sorted(set(cells) - {""})
        raise ConfigError(
            f"{table.path}: column '{name}' holds neither fold numbers (2 to {_MOST_FOLDS} "
            "different whole numbers) nor part names (train beside val or test), but "
            f"{some_of(values) or 'nothing'}; name a column that does"
        )
    return tuple(
        GivenFold(
            f"{family}={number}",
            family,
            {
                TRAIN: tuple(m for other, found in held.items() if other != number for m in found),
                TEST: tuple(held[number]),
            },
        )
        for number in sorted(held, key=int)
    )


def _members(table: PlainTable, *, otherwise: str | None = None) -> tuple[Member, ...]:
    case, slide = table.first_of(CASE_COLUMNS), table.first_of(SLIDE_COLUMNS)
    name = case or slide or otherwise
    if name is None:
        raise ConfigError(
            f"{table.path}: has no column of ids among {some_of(table.header)}; name the one that "
            "holds them case_id or slide_id"
        )
    ids = table.column(name)
    if "" in ids:
        raise ConfigError(
            f"{table.path}: row {ids.index('') + 2} has no id in column '{name}'; write the case's "
            "id there, or remove the row"
        )
    slides = table.column(slide) if slide is not None else ("",) * len(ids)
    return tuple(Member(own, own_slide or None) for own, own_slide in zip(ids, slides, strict=True))


def family_of(path: Path) -> str:
    """Return the path of a fold without its number, which is what its family shares."""
    stem = path.name.partition(".")[0]
    return f"{path.parent}/{re.sub(r'[0-9]+(?=[^0-9]*$)', '', stem)}"


def _counts_rows(cells: Sequence[str]) -> bool:
    return all(cell in (str(place), str(place + 1)) for place, cell in enumerate(cells))


def _are_fold_numbers(cells: Sequence[str]) -> bool:
    values = {cell for cell in cells if cell.lower() not in _EMPTY}
    return 2 <= len(values) <= _MOST_FOLDS and all(_NUMBER.fullmatch(cell) for cell in values)


def _are_part_names(cells: Sequence[str]) -> bool:
    values = {part_of(cell) for cell in cells if cell.lower() not in _EMPTY}
    return None not in values and TRAIN in values and len(values) > 1
