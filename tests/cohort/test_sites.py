"""Sites: a column for everyone, field 2 of the barcode for TCGA; and patients in two cases."""

from __future__ import annotations

from pathlib import Path

import pytest

from shazam.cohort.barcodes import patient_of, site_of
from tests.cohort.tables import problems, read

OUTCOME = "time_months,event"


def sites(folder: Path, *rows: str, header: str = "case_id,site") -> dict[str, str | None]:
    lines = [f"{row},{number + 1},1" for number, row in enumerate(rows)]
    cohort = read(folder, "\n".join([f"{header},{OUTCOME}", *lines]))
    sites.notes = " ".join(cohort.notes)  # type: ignore[attr-defined]
    return {case.case_id: case.site for case in cohort.cases}


def notes() -> str:
    return sites.notes  # type: ignore[attr-defined,no-any-return]


def test_sites_of_barcodes_are_used_only_without_a_column(tmp_path: Path) -> None:
    barcodes = ("TCGA-3Z-A93Z", "TCGA-05-4249")
    assert list(sites(tmp_path, *barcodes, header="case_id").values()) == ["05", "3Z"]
    assert "field 2 of the TCGA barcodes" in notes()
    blank = [f"{name}," for name in barcodes]
    assert list(sites(tmp_path, *blank).values()) == ["05", "3Z"]
    given = [f"{name},Here" for name in barcodes]
    assert set(sites(tmp_path, *given).values()) == {"Here"}
    assert "differs from field 2 of the TCGA barcode in 2 cases" in notes()


def test_not_every_case_a_barcode_means_no_site(tmp_path: Path) -> None:
    assert set(sites(tmp_path, "TCGA-3Z-A93Z", "C2", header="case_id").values()) == {None}
    assert "only 1 of 2 cases have TCGA barcodes" in notes()
    assert set(sites(tmp_path, "C1", "C2", header="case_id").values()) == {None}
    assert "cannot be known" in notes()


def test_what_a_spreadsheet_made_of_sites_is_mended_and_said(tmp_path: Path) -> None:
    rows = ("TCGA-05-4249,5", "TCGA-05-4250,5.0", "TCGA-NA-A4QW,", "TCGA-4B-A93V,4B")
    assert sites(tmp_path, *rows) == {
        "TCGA-05-4249": "05",
        "TCGA-05-4250": "05",
        "TCGA-NA-A4QW": "NA",
        "TCGA-4B-A93V": "4B",
    }
    assert "the site of 3 cases" in notes()
    assert sites(tmp_path, "C1,7", "C2,7.0", "C3,7.5") == {"C1": "7", "C2": "7", "C3": "7.5"}


def test_sites_that_are_written_alike_are_doubtful(tmp_path: Path) -> None:
    assert len(set(sites(tmp_path, "C1,Mainz 1", "C2,mainz1", "C3,Bonn").values())) == 3
    assert "sites 'Mainz 1', 'mainz1' count as different ones" in notes()


@pytest.mark.parametrize("site", ["", "unknown", "[Not Available]", "NA"])
def test_a_missing_site_among_others_is_a_finding(tmp_path: Path, site: str) -> None:
    table = f"case_id,site,{OUTCOME}\nC1,A,1,1\nC2,{site},1,0\n"
    assert "give every case its site" in problems(tmp_path, table)[0]


def test_a_patient_stands_in_one_case_and_a_slide_in_the_case_of_its_patient(
    tmp_path: Path,
) -> None:
    table = (
        f"case_id,slide_id,{OUTCOME}\n"
        "TCGA-3Z-A93Z-01A,TCGA-3Z-A93Z-01Z-00-DX1.A.svs,1,1\n"
        "TCGA-3Z-A93Z-06A,TCGA-3Z-A93Z-06Z-00-DX1.B.svs,1,1\n"
        "TCGA-05-4249,TCGA-05-4250-01Z-00-DX1.C.svs,2,0\n"
    )
    two, foreign = problems(tmp_path, table)
    assert two.startswith("patient TCGA-3Z-A93Z stands in 2 cases (TCGA-3Z-A93Z-01A, TCGA-3Z-")
    assert foreign.startswith("line 4: slide 'TCGA-05-4250-01Z-00-DX1.C' is of patient TCGA-05-42")


def test_slides_are_named_with_or_without_the_suffix_of_their_file(tmp_path: Path) -> None:
    table = f"case_id,slide_id,{OUTCOME}\nC1,S1.svs,1,1\nC1,S2.x,1,1\nC2,S3.TIFF,2,0\n"
    assert [slide.slide_id for slide in read(tmp_path, table).slides] == ["S1", "S2.x", "S3"]
    twice = table + "C2,S1,2,0\n"
    assert "slide 'S1' belongs to case 'C2' here and to case 'C1'" in problems(tmp_path, twice)[0]


@pytest.mark.parametrize("name", ["TCGA-3Z", "XTCGA-3Z-A93Z", "TCGA-3Z-A93ZZ", "tcga_3Z_A93Z", ""])
def test_what_only_looks_like_a_barcode_is_none(name: str) -> None:
    assert (patient_of(name), site_of(name)) == (None, None)
