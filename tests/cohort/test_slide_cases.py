"""Cases of slides, read from a table that may lack outcomes and slide files."""

from __future__ import annotations

from pathlib import Path

import pytest

from shazam.cohort.slide_cases import read_slide_cases
from shazam.errors import CohortError


def table(folder: Path, *lines: str) -> Path:
    path = folder / "cohort.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_slide_has_the_case_of_its_row_and_a_case_its_own(tmp_path):
    cases = read_slide_cases(table(tmp_path, "site,slide_id,case_id", "X,S1,C1", "X,S2,C1"))
    assert [cases.case_of(name) for name in ("S1", "S2", "C1", "S3")] == ["C1", "C1", "C1", None]


def test_all_that_is_wrong_is_listed(tmp_path):
    path = table(tmp_path, "slide_id,case_id", "S1,C1", "S1,C2", "../S2,C3", "S4,")
    with pytest.raises(CohortError) as raised:
        read_slide_cases(path)
    assert len(raised.value.problems) == 3
    for part in ("'S1' stands twice", "slide_id '../S2'", "case_id ''"):
        assert part in str(raised.value)


def test_both_columns_are_needed(tmp_path):
    with pytest.raises(CohortError, match="column 'case_id' is missing"):
        read_slide_cases(table(tmp_path, "slide_id,patient", "S1,C1"))
    with pytest.raises(CohortError, match="no such file"):
        read_slide_cases(tmp_path / "gone.csv")
