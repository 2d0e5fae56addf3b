"""Clinical columns: which are numbers and which categories, and ages that cannot be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from shazam.cells import is_missing
from shazam.cohort.endpoints import unit_of
from shazam.cohort.findings import Findings
from shazam.cohort.rows import Rows
from shazam.cohort.values import number_of
from shazam.config.cohort import ClinicalKind, CohortConfig, TimeUnit

OLDEST_YEARS = 120
_FEW = 10
_GROUPED = {"group", "groups", "bin", "bins", "range", "class", "category", "cat"}


def is_age(column: str) -> bool:
    """Return whether a column holds ages by its name: ``age``, ``AGE_AT_DIAGNOSIS``."""
    words = set(re.split(r"[^a-z]+", column.lower()))
    return "age" in words and not words & _GROUPED


def clinical_kinds(
    table: Rows, *, config: CohortConfig, findings: Findings
) -> dict[str, ClinicalKind]:
    """Return what each clinical column holds; cells that do not fit go to ``findings``.

    It is as ``cohort.clinical_kinds`` says; else ages are numbers, and any other column holds
    numbers if all its known cells are.
    """
    kinds = {}
    for name in config.clinical_columns:
        if name not in table.columns:
            continue
        cells = [(row.line, row[name]) for row in table.rows if not is_missing(row[name])]
        kinds[name] = config.clinical_kinds.get(name) or _kind(name, [text for _, text in cells])
        if kinds[name] is ClinicalKind.NUMBER:
            _check_numbers(name, cells, config=config, findings=findings)
    _note_unused_ages(table, config=config, findings=findings)
    return kinds


def clinical_text(
    text: str, *, column: str, kinds: Mapping[str, ClinicalKind], config: CohortConfig
) -> str:
    """Return the text of a clinical cell as the cohort holds it: ages in years."""
    number = number_of(text)
    if number is None or kinds.get(column) is not ClinicalKind.NUMBER or not is_age(column):
        return text
    unit = _age_unit(column, config=config)
    return text if unit is TimeUnit.YEARS else f"{number * unit.months / 12:.8g}"


def _kind(name: str, texts: Sequence[str]) -> ClinicalKind:
    if is_age(name) or all(number_of(text) is not None for text in texts):
        return ClinicalKind.NUMBER
    return ClinicalKind.CATEGORY


def _age_unit(column: str, *, config: CohortConfig) -> TimeUnit:
    return config.age_unit or unit_of(column) or TimeUnit.YEARS


def _check_numbers(
    name: str, cells: Sequence[tuple[int, str]], *, config: CohortConfig, findings: Findings
) -> None:
    unit = _age_unit(name, config=config)
    ages = [text for _, text in cells if is_age(name) and _age_problem(name, text, unit=unit)]
    if len(ages) > max(_FEW, len(cells) // 2):
        findings.add(
            f"{name}: {len(ages)} of {len(cells)} cells are no ages of patients in {unit}, such as "
            f"'{ages[0]}'; say their unit in cohort.age_unit"
        )
        return
    for line, text in cells:
        number = number_of(text)
        if number is None:
            advice = "; for groups of ages, say category" if is_age(name) else ""
            findings.add(
                f"{name} '{text}' is not a number; correct it, leave the cell empty, or set "
                f"cohort.clinical_kinds.{name}{advice}",
                line=line,
            )
        elif is_age(name):
            problem = _age_problem(name, text, unit=unit)
            if problem is not None:
                findings.add(problem, line=line)


def _age_problem(column: str, text: str, *, unit: TimeUnit) -> str | None:
    years = (number_of(text) or 0.0) * unit.months / 12
    if 0 <= years <= OLDEST_YEARS:
        return None
    advice = "correct it, leave the cell empty, or say its unit in cohort.age_unit"
    return f"{column} '{text}' is {years:.4g} years, which is no age of a patient; {advice}"


def _note_unused_ages(table: Rows, *, config: CohortConfig, findings: Findings) -> None:
    for name in table.columns:
        if name in config.clinical_columns or not is_age(name) or name in config.targets:
            continue
        unit = _age_unit(name, config=config)
        for row in table.rows:
            problem = _age_problem(name, row[name], unit=unit)
            if problem is not None:
                findings.note(f"line {row.line}: {problem} (the column is not used)")
