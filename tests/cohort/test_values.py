"""Regression's targets: columns of the table, empty where nothing was measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError

from shazam.cohort.model import Case, Cohort
from shazam.cohort.splits import make_splits
from shazam.cohort.store import load_cohort, write_cohort
from shazam.cohort.table import check_table, read_table
from shazam.config.cohort import CohortConfig, Task
from shazam.config.splits import SplitsConfig
from shazam.errors import CohortError
from shazam.workspace import Workspace
from tests.cohort.made import cohort_of

GENES = CohortConfig(name="made", task=Task.REGRESSION, targets=("CD8A", "HLA-A"))
GOOD = ("C1,S1,2.5,1e3", "C1,S2,2.50,1000", "C2,S3,-1,", "C3,S4,,0")


def read(folder: Path, rows: tuple[str, ...], *, header: str = "CD8A,HLA-A") -> Cohort:
    table, slides = folder / "cohort.csv", folder / "slides"
    table.write_text("\n".join([f"case_id,slide_id,{header}", *rows]) + "\n")
    slides.mkdir()
    for number in range(1, 6):
        (slides / f"S{number}.tiff").write_bytes(b"x" * number)
    check_table(table, slides_dir=slides, config=GENES)
    return read_table(table, slides_dir=slides, config=GENES)


def problems(folder: Path, rows: tuple[str, ...], *, header: str = "CD8A,HLA-A") -> str:
    with pytest.raises(CohortError) as refusal:
        read(folder, rows, header=header)
    return "\n".join(refusal.value.problems)


def test_values_are_numbers_or_not_measured(tmp_path: Path) -> None:
    cohort = read(tmp_path, GOOD)
    assert cohort.targets == ("CD8A", "HLA-A")
    assert [dict(case.values) for case in cohort.cases] == [
        {"CD8A": 2.5, "HLA-A": 1000.0},
        {"CD8A": -1.0, "HLA-A": None},
        {"CD8A": None, "HLA-A": 0.0},
    ]
    assert cohort.n_events is None
    assert cohort.classes == ()


def test_a_cohort_with_values_comes_back_as_it_was(tmp_path: Path) -> None:
    cohort = read(tmp_path, GOOD)
    workspace = Workspace(tmp_path / "workspace")
    assert load_cohort(workspace.open_ref(write_cohort(cohort, workspace=workspace))) == cohort
    first = replace(cohort.cases[0], values=(("CD8A", 2.5), ("HLA-A", None)))
    assert replace(cohort, cases=(first, *cohort.cases[1:])).digest != cohort.digest


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "NA", "high", "1_000"])
def test_what_is_no_finite_number_is_named_with_line_and_column(tmp_path: Path, text: str) -> None:
    found = problems(tmp_path, (*GOOD[:2], f"C2,S3,{text},2", "C3,S4,1,1"))
    assert f"line 4: CD8A '{text}' is not a finite number; leave the cell empty" in found


def test_rows_of_a_case_agree_on_its_values(tmp_path: Path) -> None:
    found = problems(tmp_path, ("C1,S1,2.5,1", "C1,S2,2.6,1", "C2,S3,1,2"))
    assert "line 3: case 'C1' has CD8A '2.6' here and '2.5' in line 2" in found


def test_cases_without_a_value_and_constant_targets_are_named(tmp_path: Path) -> None:
    found = problems(tmp_path, ("C1,S1,2.5,", "C2,S3,2.5,", "C3,S4,,"))
    assert "cases without a value of any target: C3" in found
    assert "target 'CD8A' has 1 different value(s)" in found
    assert "target 'HLA-A' has 0 different value(s)" in found


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    found = problems(tmp_path, ("C1,S1,2.5,1", "C2,S3,1,2"), header="CD8A,hla-a")
    assert "column 'HLA-A' is missing; is it 'hla-a'?" in found


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"targets": ()}, "needs the columns that are predicted"),
        ({"targets": ("A", "A")}, "named twice: A"),
        ({"targets": ("A", "site")}, "columns with a meaning of their own: site"),
        ({"targets": ("age",), "clinical_columns": ("age",)}, "also among clinical_columns: age"),
        ({"targets": ("a/b",)}, "String should match pattern"),
        ({"targets": ("A",), "task": "survival"}, "only for task regression"),
    ],
)
def test_targets_that_do_not_fit_are_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        CohortConfig.model_validate({"name": "made", "task": "regression", **changes})


def test_folds_are_balanced_by_cases_and_keep_sites_apart() -> None:
    cases = [
        Case(f"c{n:02}", f"site{n % 6}", None, None, None, (), (("G", float(n)),))
        for n in range(48)
    ]
    cohort = cohort_of(cases, task=Task.REGRESSION)
    splits = make_splits(cohort.cases, task=cohort.task, config=SplitsConfig(n_folds=3))
    assert splits.sites_preserved
    assert [len(fold.test) for fold in splits.folds] == [16, 16, 16]
