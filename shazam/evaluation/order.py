"""The order of tested cases by what they are, so that their names change no number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace

import numpy as np
import pandas as pd

from shazam.cohort.model import Case
from shazam.digest import canonical_json
from shazam.evaluation.pairs import Array
from shazam.evaluation.truth import Truth

_OUTCOME = ("time_months", "event", "label", "values")
_BESIDE = ("site", "clinical")
_KEYS = ("arm", "seed", "fold", "part", "case_id")
_Content = tuple[bytes, bytes, bytes]  # outcome, predictions, what else is known


def in_content_order(
    truth: Truth, *, cases: Sequence[Case], tables: Sequence[pd.DataFrame]
) -> Truth:
    """Return a truth whose order, and whose numbering of groups, no name decides.

    Bootstrap draws are given to cases by their place. Sorted are folds, in them groups and in
    these cases: by outcome, by all that is predicted of them, by site and clinical columns. A name
    decides only between cases that are alike in everything, and can be exchanged.

    Args:
        truth: tested cases in any order; each has a group.
        cases: at least the tested cases.
        tables: all predictions of them, in an order that does not depend on names.
    """
    known = {case.case_id: case for case in cases}
    predicted = _predicted(tables, case_ids=truth.case_ids)
    own = {
        name: (
            _content(known[name], _OUTCOME),
            predicted[row].tobytes(),
            _content(known[name], _BESIDE),
        )
        for row, name in enumerate(truth.case_ids)
    }
    members: dict[str, list[_Content]] = defaultdict(list)
    for name, group in zip(truth.case_ids, truth.groups, strict=True):
        members[group].append(own[name])
    alike = {content: n for n, content in enumerate(sorted({*map(_sorted, members.values())}))}
    rank = {group: alike[_sorted(found)] for group, found in members.items()}

    def place(row: int) -> tuple[int, int, _Content, str, str]:
        name, group = truth.case_ids[row], truth.groups[row]
        return int(truth.fold[row]), rank[group], own[name], group, name

    ordered = truth.select(np.array(sorted(range(len(own)), key=place), dtype=np.int64))
    return replace(ordered, groups=_numbered(ordered.groups))


def _content(case: Case, names: Sequence[str]) -> bytes:
    plain = asdict(case)
    return canonical_json([plain[name] for name in names])


def _sorted(contents: Sequence[_Content]) -> tuple[_Content, ...]:
    return tuple(sorted(contents))


def _numbered(groups: Sequence[str]) -> tuple[str, ...]:
    """Return names of groups that sort as the groups first occur."""
    number = {group: n for n, group in enumerate(dict.fromkeys(groups))}
    return tuple(f"{number[group]:08d}" for group in groups)


def _predicted(tables: Sequence[pd.DataFrame], *, case_ids: Sequence[str]) -> Array:
    """Return all that is predicted of each tested case, float64 ``[n_cases, n_numbers]``."""
    found = [np.zeros((len(case_ids), 0))]
    for table in tables:
        if "part" not in table.columns or "case_id" not in table.columns:
            continue  # not a predictions table, which is refused where it is read
        columns = [
            name
            for name in sorted(table.columns.difference(list(_KEYS)))
            if pd.api.types.is_numeric_dtype(table[name])
        ]
        tested = table[table["part"] == "test"]
        for _, rows in tested.groupby("seed", sort=True):
            once = rows.drop_duplicates("case_id").set_index("case_id")[columns]
            found.append(once.reindex(list(case_ids)).to_numpy(np.float64))
    stacked: Array = np.ascontiguousarray(np.hstack(found))
    return stacked
