"""What the report shows beside the evaluation: parts of folds, and why cases were left out."""

from __future__ import annotations

from shazam.cohort.model import Slide
from shazam.config.cohort import Task
from shazam.evaluation.context import excluded_with_reasons, fold_parts
from shazam.manifests import QuarantineEntry
from tests.cohort.made import cohort_of
from tests.evaluation import made


def test_parts_count_cases_events_and_sites():
    cohort, _ = made.survival_cohort()
    splits = made.splits_of(cohort)
    by_id = {case.case_id: case for case in cohort.cases}
    for fold, shown in zip(splits.folds, fold_parts(cohort, splits=splits), strict=True):
        for part in shown.parts:
            own = [by_id[case_id] for case_id in fold.parts[part.name]]
            assert part.n_cases == len(own)
            assert part.n_events == sum(bool(case.event) for case in own)
            assert part.n_sites == len({case.site for case in own})
    tested = [shown.parts[2] for shown in fold_parts(cohort, splits=splits)]
    assert sum(part.n_cases for part in tested) == len(cohort.cases)


def test_without_sites_or_events_none_are_counted():
    cohort, _ = made.class_cohort()
    assert cohort.task is Task.CLASSIFICATION
    for shown in fold_parts(cohort, splits=made.splits_of(cohort)):
        assert {(part.n_events, part.n_sites) for part in shown.parts} == {(None, 0)}


def entry(slide_id: str, reason: str) -> QuarantineEntry:
    return QuarantineEntry(
        slide_id=slide_id,
        slide_sha256=None,
        stage="validate",
        error="SlideError",
        reason=reason,
        message="x",
    )


def test_excluded_cases_carry_the_reasons_of_their_slides():
    cohort, _ = made.survival_cohort(40)
    went_on = cohort_of(list(cohort.cases[2:]))
    slides = tuple(
        Slide(slide_id=f"s{n}", case_id=case_id, path="", size_bytes=0, sha256="")
        for n, case_id in enumerate(["case-000", "case-000", "case-002"])
    )
    whole = type(cohort)(task=cohort.task, cases=cohort.cases, slides=slides)
    found = excluded_with_reasons(
        whole,
        splits=made.splits_of(went_on),
        quarantine=[
            entry("s0", "unreadable"),
            entry("s1", "no_tissue"),
            entry("s2", "empty"),  # its case went on with other slides
            entry("case-001", "no_features"),
        ],
    )
    assert [(case.case_id, case.reasons) for case in found] == [
        ("case-000", ("no_tissue", "unreadable")),
        ("case-001", ("no_features",)),
    ]
