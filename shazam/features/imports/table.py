"""Tables: a .npz file whose rows are tiles, slides or cases, named by one of its arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from shazam.errors import CohortError, ConfigError, SlideError, UnknownLayoutError
from shazam.features.imports.arrays import Found, choose_levels
from shazam.features.imports.bag import ImportOptions
from shazam.features.imports.npz import open_npz
from shazam.features.imports.read import Kind, kind_of
from shazam.features.imports.sources import ID_RULE
from shazam.ids import is_valid_id

Rows = npt.NDArray[np.int64]

_SHOWN = 5


def table_rows(path: Path, *, options: ImportOptions) -> dict[str, Rows]:
    """Return the rows of each bag of a table, in the order in which the bags begin.

    Args:
        path: the .npz file.
        options: ``ids`` names the rows (each is a bag unless ``group`` is given); ``group`` makes
            one bag of the rows with equal values.

    Raises:
        ConfigError: the file is no table, or lacks an array.
        CohortError: ids are missing, repeated, not valid, or not one for each row of features; all
            are listed.
    """
    try:
        if kind_of(path) is not Kind.NPZ:
            raise ConfigError(f"{path.name}: --ids and --group belong to tables (.npz)")
        with open_npz(path) as arrays:
            given = {
                option: arrays[name]
                for option, name in (("--ids", options.ids), ("--group", options.group))
                if name is not None
            }
            held = _rows_held(arrays.found, options=options)
    except SlideError as error:
        raise ConfigError(f"table {path.name}: {error}") from error
    names: dict[str, list[str]] = {}
    problems: list[str] = []
    for option, array in given.items():
        names[option] = _texts(array, option=option, problems=problems)
    if len({len(texts) for texts in names.values()}) > 1:
        problems.append("--ids and --group name arrays of different length")
    problems += [
        f"'{name}' has {n_rows} rows, and {option} {len(texts)}; each row needs its name"
        for name, n_rows in held.items()
        for option, texts in names.items()
        if texts and n_rows != len(texts)
    ]
    if "--ids" in names:
        problems += _repeated(names["--ids"])
    bags = _bags(names.get("--group", names.get("--ids", [])))
    problems += [f"'{name}' is not a valid id; {ID_RULE}" for name in bags if not is_valid_id(name)]
    if problems:
        raise CohortError(str(path), problems)
    return bags


def _rows_held(found: Mapping[str, Found], *, options: ImportOptions) -> dict[str, int]:
    """Return the number of rows of each array of features that is named, or plain to see."""
    try:
        chosen = choose_levels(found, options=options)
    except UnknownLayoutError:
        if options.datasets:
            raise
        return {}
    return {name: _n_rows(found[name]) for name in chosen.values()}


def _n_rows(found: Found) -> int:
    shape = found.shape[1:] if len(found.shape) == 3 and found.shape[0] == 1 else found.shape
    return shape[0] if shape else 0


def _bags(names: list[str]) -> dict[str, Rows]:
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if name:  # a missing one is a problem of its own
            rows.setdefault(name, []).append(row)
    return {name: np.array(where, dtype=np.int64) for name, where in rows.items()}


def _texts(array: npt.NDArray[Any], *, option: str, problems: list[str]) -> list[str]:
    if array.ndim != 1 or not array.size:
        problems.append(f"{option}: shape {list(array.shape)}, expected [n_rows]")
        return []
    texts = [_text(value) for value in array.tolist()]
    missing = [row for row, text in enumerate(texts) if not text]
    if missing:
        problems.append(f"{option}: {len(missing)} rows have no value: {_some(missing)}")
    return texts


def _text(value: object) -> str:
    match value:
        case bytes():
            return value.decode("utf-8", errors="replace").strip()
        case float():
            return str(int(value)) if value.is_integer() else ""
        case str() if value.strip().lower() in {"nan", "none", "na"}:
            return ""
        case _:
            return str(value).strip()


def _repeated(texts: list[str]) -> list[str]:
    rows = _bags(texts)
    return [
        f"--ids: '{name}' names rows {_some(where.tolist())}; a row has a name of its own"
        for name, where in rows.items()
        if len(where) > 1
    ]


def _some(rows: list[int]) -> str:
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return ", ".join(str(row) for row in rows[:_SHOWN]) + more
