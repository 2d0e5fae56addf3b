"""Values that regression predicts: numbers of the table, empty where nothing was measured."""

from __future__ import annotations

import math
from collections.abc import Sequence

from shazam.cohort.findings import Findings
from shazam.cohort.model import Case

_SHOWN = 5


def number_of(text: str) -> float | None:
    """Return the finite number that a cell holds, None if it holds none."""
    if "_" in text:
        return None
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def value_problem(text: str, *, column: str) -> str | None:
    """Return what is wrong with the value of a target; an empty cell was not measured."""
    if not text or number_of(text) is not None:
        return None
    return f"{column} '{text}' is not a finite number; leave the cell empty if it was not measured"


def check_targets(
    cases: Sequence[Case], *, targets: Sequence[str], columns: Sequence[str], findings: Findings
) -> None:
    """Note cases without any value, and targets that cannot be learnt from any split.

    Args:
        cases: all cases.
        targets: names of the targets.
        columns: of the table; a missing one has been named already.
        findings: collects the problems.
    """
    present = [name for name in targets if name in columns]
    empty = [case.case_id for case in cases if all(value is None for _, value in case.values)]
    if present and empty:
        more = f" and {len(empty) - _SHOWN} more" if len(empty) > _SHOWN else ""
        findings.add(
            f"cases without a value of any target: {', '.join(empty[:_SHOWN])}{more}; give one "
            "value at least or remove the case"
        )
    for name in present if cases else ():
        known = {dict(case.values)[name] for case in cases} - {None}
        if len(known) < 2:
            findings.add(
                f"target '{name}' has {len(known)} different value(s); remove it from "
                "cohort.targets or give values that differ"
            )
