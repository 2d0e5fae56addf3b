"""TCGA barcodes: the patient of a case or slide, and the tissue source site in field 2."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from shazam.cohort.findings import Findings, lines_of, some_of
from shazam.cohort.rows import Row

_BARCODE = re.compile(r"(TCGA-([A-Z0-9]{2})-[A-Z0-9]{4})(?![A-Z0-9])", re.IGNORECASE)


def patient_of(name: str) -> str | None:
    """Return the patient of a barcode, ``TCGA-3Z-A93Z`` of ``TCGA-3Z-A93Z-01Z-00-DX1``."""
    match = _BARCODE.match(name)
    return None if match is None else match[1].upper()


def site_of(name: str) -> str | None:
    """Return the tissue source site of a barcode, its second field; None for other names."""
    match = _BARCODE.match(name)
    return None if match is None else match[2].upper()


def check_patients(case_ids: Iterable[str], rows: Sequence[Row], *, findings: Findings) -> None:
    """Find patients that stand in two cases, and slides of one patient in the case of another."""
    cases_of: dict[str, list[str]] = {}
    for case_id in case_ids:
        patient = patient_of(case_id)
        if patient is not None:
            cases_of.setdefault(patient, []).append(case_id)
    for patient, cases in cases_of.items():
        if len(cases) > 1:
            lines = [row.line for row in rows if row["case_id"] in cases]
            findings.add(
                f"patient {patient} stands in {len(cases)} cases ({some_of(cases)}; "
                f"{lines_of(lines)}); give all its rows the case_id {patient}"
            )
    for row in rows:
        own, slides = patient_of(row["case_id"]), patient_of(row.cells.get("slide_id", ""))
        if None not in (own, slides) and own != slides:
            findings.add(
                f"slide '{row['slide_id']}' is of patient {slides} by its barcode, but stands in "
                f"case '{row['case_id']}'; correct one of them",
                line=row.line,
            )
