"""Which case a slide belongs to: two columns of a cohort table, without outcomes or slide files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shazam.cohort.findings import Findings
from shazam.cohort.rows import read_columns
from shazam.errors import CohortError
from shazam.ids import is_valid_id, without_slide_suffix


@dataclass(frozen=True, slots=True)
class SlideCases:
    """The cases of slides; ``table`` is where they stand."""

    table: str
    by_slide: Mapping[str, str]

    def case_of(self, slide_id: str) -> str | None:
        """Return the case of a slide; an id of a case is its own. None if the table has neither."""
        for name in (slide_id, without_slide_suffix(slide_id)):
            if name in self.by_slide:
                return self.by_slide[name]
        return slide_id if slide_id in self.by_slide.values() else None


def read_slide_cases(table: Path) -> SlideCases:
    """Read ``case_id`` and ``slide_id`` of a cohort table.

    Raises:
        CohortError: lists everything that is wrong.
    """
    findings = Findings()
    rows = read_columns(table, required=("case_id", "slide_id"), findings=findings)
    by_slide: dict[str, str] = {}
    if {"case_id", "slide_id"} <= set(rows.columns):
        for row in rows.rows:
            for column in ("case_id", "slide_id"):
                if not is_valid_id(row[column]):
                    findings.add(f"{column} '{row[column]}' is not a valid id", line=row.line)
            if row["slide_id"] in by_slide:
                findings.add(f"slide '{row['slide_id']}' stands twice; keep one row", line=row.line)
            by_slide[row["slide_id"]] = row["case_id"]
    if findings.messages:
        raise CohortError(str(table), findings.messages)
    return SlideCases(str(table), by_slide)
