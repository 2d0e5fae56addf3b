"""What an import must know of a cohort."""

from __future__ import annotations

from shazam.cohort.model import Cohort
from shazam.features.imports.publish import KnownCases


def known_cases(cohort: Cohort) -> KnownCases:
    """Return the cases of a cohort, and which case each slide of its table belongs to."""
    return KnownCases(
        case_ids=frozenset(case.case_id for case in cohort.cases),
        by_slide={slide.slide_id: slide.case_id for slide in cohort.slides},
    )
