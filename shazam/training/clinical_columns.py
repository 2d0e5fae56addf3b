"""Clinical columns: which hold numbers, which categories, and what training cases say of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from shazam.cells import is_missing
from shazam.cohort.model import Case
from shazam.config.cohort import ClinicalKind
from shazam.errors import ConfigError
from shazam.models.clinical import (
    LARGEST,
    CategoricalColumn,
    ClinicalColumn,
    NumericColumn,
    number_of,
)

_MAX_CATEGORIES = 20
_SMALLEST_SD = 1e-9

Kind = type[NumericColumn] | type[CategoricalColumn]


def learn_column(name: str, texts: Sequence[str], *, kind: Kind) -> ClinicalColumn:
    """Return a column with the statistics or categories of the training cases.

    Args:
        name: of the column.
        texts: of the training cases.
        kind: whether they are numbers.
    """
    known = [text for text in texts if not is_missing(text)]
    indicates_missing = 0 < len(known) < len(texts)
    if kind is CategoricalColumn:
        return CategoricalColumn(
            name=name, categories=tuple(sorted(set(known))), indicates_missing=indicates_missing
        )
    numbers = np.array([number for text in known if (number := number_of(text)) is not None])
    mean = float(numbers.mean()) if len(numbers) else 0.0
    sd = float(numbers.std()) if len(numbers) else 0.0
    return NumericColumn(
        name=name,
        mean=mean,
        sd=sd if sd > _SMALLEST_SD * max(1.0, abs(mean)) else None,
        indicates_missing=indicates_missing,
    )


def column_kinds(
    cases: Sequence[Case], *, told: Mapping[str, ClinicalKind] | None = None
) -> dict[str, Kind]:
    """Return for each clinical column whether it holds numbers or categories.

    A column of numbers and texts holds categories if there are few of them. Which it is, is a
    property of the table; what is learnt of the values comes from training cases.

    Args:
        cases: all cases of the table.
        told: what columns hold, as the cohort says; numbers may be categories, such as grades.

    Raises:
        ConfigError: there is no column, none varies, or one holds an infinite number, numbers
            among which text stands, or more texts than can be categories.
    """
    names = list(dict.fromkeys(name for case in cases for name, _ in case.clinical))
    values = {name: _known_values(cases, name=name) for name in names}
    as_told = told or {}
    kinds = {
        name: _kind(known, name=name, told=as_told.get(name)) for name, known in values.items()
    }
    if not any(
        len(set(known.values())) > 1 or 0 < len(known) < len(cases) for known in values.values()
    ):
        raise ConfigError(
            f"no clinical column varies among the cases ({', '.join(names) or 'there is none'}); "
            "name others in cohort.clinical_columns, or set arms.clinical=false"
        )
    return kinds


def _known_values(cases: Sequence[Case], *, name: str) -> dict[str, str]:
    values = {case.case_id: dict(case.clinical).get(name, "") for case in cases}
    return {case_id: text for case_id, text in values.items() if not is_missing(text)}


def _kind(known: dict[str, str], *, name: str, told: ClinicalKind | None) -> Kind:
    for case_id, text in known.items():
        if _is_beyond(text):
            raise ConfigError(
                f"clinical column '{name}': case '{case_id}' has '{text}', which is infinite or "
                f"beyond {LARGEST:g}; correct it, or leave the cell empty"
            )
    texts = {case_id: text for case_id, text in known.items() if number_of(text) is None}
    if not texts and told is not ClinicalKind.CATEGORY:
        return NumericColumn
    n_distinct = len(set(known.values()))
    if n_distinct <= _MAX_CATEGORIES:
        return CategoricalColumn
    case_id, text = next(iter((texts or known).items()))
    raise ConfigError(
        f"clinical column '{name}' holds {n_distinct} different values, {len(texts)} of them no "
        f"numbers, such as '{text}' of case '{case_id}'; correct it, leave it out of "
        f"cohort.clinical_columns, or set arms.clinical=false (categories: at most "
        f"{_MAX_CATEGORIES})"
    )


def _is_beyond(text: str) -> bool:
    try:
        value = float(text)
    except ValueError:
        return False
    return not math.isnan(value) and abs(value) > LARGEST
