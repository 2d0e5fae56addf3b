"""Split files made elsewhere: which folds a list of files and folders holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from shazam.cohort.plain_table import SUFFIXES, read_plain_table
from shazam.cohort.split_forms import (
    TRAIN,
    GivenFold,
    family_of,
    fold_of_folder,
    folds_of_table,
    part_of,
)
from shazam.errors import ConfigError

_BOOLEAN, _DESCRIPTOR = "_bool", "_descriptor"


def read_split_files(paths: Sequence[Path], *, column: str | None = None) -> tuple[GivenFold, ...]:
    """Read all folds of split files, in the order given; those of a folder by their numbers.

    Known forms: a table with columns train, val and test that hold ids of cases or slides, or
    true and false beside a column of ids; tables train, val and test in one folder; a table with a
    column of part names or of fold numbers.

    Args:
        paths: tables, or folders that are searched for them.
        column: of a table with several columns of fold numbers, the one to take.

    Raises:
        ConfigError: a file is missing, no table, or says no folds.
    """
    files = list(dict.fromkeys(file for path in paths for file in _tables_of(path)))
    by_folder: dict[Path, dict[str, Path]] = {}
    for file in files:
        if (part := part_of(_stem(file))) is not None:
            by_folder.setdefault(file.parent, {})[part] = file
    of_parts = {folder: parts for folder, parts in by_folder.items() if TRAIN in parts}
    folds: list[GivenFold] = []
    done: set[Path] = set()
    for file in files:
        parts = of_parts.get(file.parent, {})
        if file not in parts.values():
            folds.extend(folds_of_table(read_plain_table(file), column=column))
        elif file.parent not in done:
            if column is not None:
                raise ConfigError(f"{file.parent}: tables of one part each have no fold numbers")
            done.add(file.parent)
            folder = file.parent.resolve()
            folds.append(fold_of_folder(parts, name=folder.name, family=family_of(folder)))
    if not folds:
        raise ConfigError("no split files were given")
    return tuple(folds)


def _tables_of(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        if not path.is_file():
            raise ConfigError(f"{path}: no such file or folder")
        yield path
        return
    found = [file for file in path.rglob("*") if file.is_file() and file.name.endswith(SUFFIXES)]
    kept = list(_without_repetition(found))
    if not kept:
        raise ConfigError(f"{path}: the folder has no tables ({', '.join(SUFFIXES)})")
    yield from sorted(kept, key=_natural)


def _without_repetition(files: Iterable[Path]) -> Iterator[Path]:
    known = {(file.parent, _stem(file)) for file in files}
    for file in files:
        stem = _stem(file)
        plain = (file.parent, stem.removesuffix(_BOOLEAN))
        if not stem.endswith(_DESCRIPTOR) and (not stem.endswith(_BOOLEAN) or plain not in known):
            yield file


def _stem(path: Path) -> str:
    for suffix in sorted(SUFFIXES, key=len, reverse=True):
        if path.name.endswith(suffix):
            return path.name.removesuffix(suffix)
    return path.stem


def _natural(path: Path) -> list[tuple[int, str]]:
    return [
        (int(part or 0), "") if part.isdigit() else (0, part)
        for part in re.split(r"(\d+)", str(path))
    ]
