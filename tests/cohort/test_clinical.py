"""Clinical columns are numbers or categories, and ages are ages of people."""

from __future__ import annotations

from pathlib import Path

import pytest

from shazam.cohort.clinical import is_age
from shazam.cohort.model import Cohort
from shazam.cohort.slide_cases import read_slide_cases
from shazam.config.cohort import ClinicalKind
from shazam.errors import ConfigError
from shazam.models.clinical import CategoricalColumn, NumericColumn
from shazam.training.clinical_columns import column_kinds
from tests.cohort.tables import problems, read


def table(column: str, *cells: str) -> str:
    rows = [f"C{number},{number + 1},1,{cell}" for number, cell in enumerate(cells)]
    return "\n".join([f"case_id,time_months,event,{column}", *rows])


def kind(cohort: Cohort) -> str:
    return cohort.clinical_kinds[0][1].value


def test_a_column_of_numbers_is_one_until_it_is_told_otherwise(tmp_path: Path) -> None:
    grades = table("grade", "1", "2", "", "[Not Available]")
    assert kind(read(tmp_path, grades, clinical_columns=["grade"])) == "number"
    assert kind(read(tmp_path, table("grade", "1", "G2"), clinical_columns=["grade"])) == "category"
    told = read(tmp_path, grades, clinical_columns=["grade"], clinical_kinds={"grade": "category"})
    assert kind(told) == "category"
    assert column_kinds(told.cases) == {"grade": NumericColumn}
    assert column_kinds(told.cases, told=dict(told.clinical_kinds)) == {"grade": CategoricalColumn}


def test_categories_of_numbers_are_few(tmp_path: Path) -> None:
    cohort = read(tmp_path, table("x", *map(str, range(30))), clinical_columns=["x"])
    with pytest.raises(ConfigError, match="30 different values"):
        column_kinds(cohort.cases, told={"x": ClinicalKind.CATEGORY})


def test_a_number_that_is_none_is_a_finding(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        table("size", "1", "big", "3"),
        clinical_columns=["size"],
        clinical_kinds={"size": "number"},
    )
    assert found[0].startswith("line 3: size 'big' is not a number")


def test_ages_that_cannot_be_are_all_findings(tmp_path: Path) -> None:
    ages = table("AGE", "61", "-1", "130", "", "0", "120", ">89", "50-60")
    found = problems(tmp_path, ages, clinical_columns=["AGE"])
    assert [problem.split(":")[0] for problem in found] == ["line 3", "line 4", "line 8", "line 9"]
    assert "AGE '130' is 130 years, which is no age of a patient" in found[1]
    grouped = read(
        tmp_path,
        table("age", "50-60", "60-70"),
        clinical_columns=["age"],
        clinical_kinds={"age": "category"},
    )
    assert kind(grouped) == "category"


def test_ages_in_days_are_one_finding_until_their_unit_is_told(tmp_path: Path) -> None:
    days = table("age_at_diagnosis", *["21915"] * 20)
    (found,) = problems(tmp_path, days, clinical_columns=["age_at_diagnosis"])
    assert "20 of 20 cells are no ages of patients in years" in found
    cohort = read(tmp_path, days, clinical_columns=["age_at_diagnosis"], age_unit="days")
    assert cohort.cases[0].clinical == (("age_at_diagnosis", "60"),)
    named = read(tmp_path, table("age_days", "21915", "NA"), clinical_columns=["age_days"])
    assert [case.clinical[0][1] for case in named.cases] == ["60", "NA"]


def test_an_age_that_is_not_used_is_only_doubtful(tmp_path: Path) -> None:
    cohort = read(tmp_path, table("age", "61", "610"))
    assert "line 3: age '610' is 610 years" in " ".join(cohort.notes)


@pytest.mark.parametrize(
    ("column", "expected"),
    [("age", True), ("AGE_AT_DIAGNOSIS", True), ("stage", False), ("age_group", False)],
)
def test_an_age_is_a_word_of_the_name(column: str, expected: bool) -> None:
    assert is_age(column) is expected


def test_rows_are_chosen_by_their_values(tmp_path: Path) -> None:
    both = table("project", "LUAD", "KIRC", "LUAD")
    cohort = read(tmp_path, both, where={"project": ["LUAD"]})
    assert [case.case_id for case in cohort.cases] == ["C0", "C2"]
    assert "cohort.where keeps 2 of 3 rows" in cohort.notes
    found = problems(tmp_path, both, where={"project": ["LUAD", "X"], "other": ["1"]})
    assert "column 'other' is missing" in found[0]
    assert "no row has project 'X'" in problems(tmp_path, both, where={"project": ["X"]})[-1]


def test_columns_are_named_by_the_config(tmp_path: Path) -> None:
    foreign = "Patient,Hospital,time_months,event\nP1,A,1,1\nP2,B,2,0\n"
    cohort = read(tmp_path, foreign, columns={"case_id": "Patient", "site": "Hospital"})
    assert [(case.case_id, case.site) for case in cohort.cases] == [("P1", "A"), ("P2", "B")]
    found = problems(tmp_path, foreign, columns={"case_id": "Case", "site": "Hospital"})
    assert "column 'Case', which cohort.columns.case_id names, is missing" in found[0]


def test_slides_of_another_tool_find_their_case_by_the_name_of_their_file(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text("submitter_id\tslide_id\nP1\tS1.svs\n")
    cases = read_slide_cases(path)
    assert [cases.case_of(name) for name in ("S1", "S1.svs", "P1", "S2")] == [
        "P1",
        "P1",
        "P1",
        None,
    ]
