"""The cohort file: equal bytes for equal cohorts, and nothing else is taken for one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shazam.cohort.store import load_cohort, write_cohort
from shazam.config.cohort import Task
from shazam.errors import ArtifactError
from shazam.workspace import Workspace
from tests.cohort.made import cohort_of, labelled_case, survival_case

SURVIVAL = cohort_of([survival_case("b", site="X", event=0), survival_case("a", time_months=2.5)])
EARLIER = "7d920fc84478b78ccb24ff5a9cab91b587c7b4a0c4488559fac1185ad4256597"
CLASSES = cohort_of([labelled_case("a", "x"), labelled_case("b", "y")], task=Task.CLASSIFICATION)


@pytest.mark.parametrize("cohort", [SURVIVAL, CLASSES])
def test_a_cohort_comes_back_as_it_was(tmp_path: Path, cohort: object) -> None:
    workspace = Workspace(tmp_path)
    ref = write_cohort(cohort, workspace=workspace)  # type: ignore[arg-type]
    assert load_cohort(workspace.open_ref(ref)) == cohort


def test_the_ref_counts_and_the_bytes_repeat(tmp_path: Path) -> None:
    refs = [write_cohort(SURVIVAL, workspace=Workspace(tmp_path / name)) for name in "xy"]
    assert refs[0] == refs[1]
    assert (refs[0].n_cases, refs[0].n_slides, refs[0].n_events) == (2, 2, 1)
    assert refs[0].uri == f"cohorts/{SURVIVAL.digest}/cohort.parquet"
    assert write_cohort(CLASSES, workspace=Workspace(tmp_path)).n_events is None


def test_every_field_of_case_and_slide_changes_the_digest() -> None:
    case, slide = SURVIVAL.cases[0], SURVIVAL.slides[0]
    changed_cases = [
        replace(case, site="Y"),
        replace(case, time_months=9.0),
        replace(case, event=False),
        replace(case, label="l"),
        replace(case, clinical=()),
    ]
    changed_slides = [
        replace(slide, path="p"),
        replace(slide, size_bytes=7),
        replace(slide, sha256="0"),
        replace(slide, case_id="b"),
    ]
    digests = {replace(SURVIVAL, cases=(c, SURVIVAL.cases[1])).digest for c in changed_cases}
    digests |= {replace(SURVIVAL, slides=(s, SURVIVAL.slides[1])).digest for s in changed_slides}
    digests |= {SURVIVAL.digest, replace(SURVIVAL, task=Task.CLASSIFICATION).digest}
    assert len(digests) == 11


def test_a_cohort_without_later_fields_has_the_digest_of_its_earlier_form() -> None:
    assert SURVIVAL.digest == EARLIER


def test_the_order_of_rows_does_not_matter() -> None:
    assert cohort_of(SURVIVAL.cases[::-1]).digest == SURVIVAL.digest


def test_files_that_are_no_cohort_are_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.parquet"
    text.write_text("not parquet")
    with pytest.raises(ArtifactError, match="not a readable cohort"):
        load_cohort(text)
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"a": [1]}), other)
    with pytest.raises(ArtifactError, match="not a cohort"):
        load_cohort(other)


def test_altered_rows_are_refused(tmp_path: Path) -> None:
    ref = write_cohort(SURVIVAL, workspace=Workspace(tmp_path))
    path = tmp_path / ref.uri
    pq.write_table(pq.read_table(path).slice(0, 1), path)
    with pytest.raises(ArtifactError, match="digest"):
        load_cohort(path)


def test_select_returns_cases_by_id() -> None:
    assert [case.case_id for case in SURVIVAL.select(["b"])] == ["b"]
    with pytest.raises(KeyError):
        SURVIVAL.select(["unknown"])
