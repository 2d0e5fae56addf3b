"""The cohort table: what is read, and the complete list of what is wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from shazam.cohort.table import check_table, read_table
from shazam.config.cohort import CohortConfig, Task
from shazam.digest import digest_of_file
from shazam.errors import CohortError, ExitCode
from shazam.slidefiles import digest_of_slide
from tests.slides.made import tissue_picture
from tests.slides.made_dicom import make_series

SURVIVAL = CohortConfig(name="made", clinical_columns=("age",))
CLASSES = CohortConfig(name="made", task=Task.CLASSIFICATION)
HEADER = "case_id,slide_id,slide_path,site,time_months,event,age"
GOOD = (
    "C2,S3,c.tiff,B,3,0,70",
    "C1,S1,a.tiff,A,12.5,1,61",
    "C1,S2,sub/b.tiff,A,12.50,1,61",
)
FILES = {"a.tiff": b"aaa", "sub/b.tiff": b"bbb", "c.tiff": b"cccc"}


def write(folder: Path, rows: Sequence[str], *, header: str = HEADER) -> Path:
    table = folder / "cohort.csv"
    table.write_text("\n".join([header, *rows]) + "\n")
    return table


def slides_in(folder: Path, files: Mapping[str, bytes] = FILES) -> Path:
    for name, content in files.items():
        path = folder / "slides" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "slides"


def problems(table: Path, slides: Path, config: CohortConfig = SURVIVAL) -> tuple[str, ...]:
    """Read and check; both must find the same."""
    with pytest.raises(CohortError) as read:
        read_table(table, slides_dir=slides, config=config)
    with pytest.raises(CohortError) as checked:
        check_table(table, slides_dir=slides, config=config)
    assert checked.value.problems == read.value.problems
    assert read.value.exit_code is ExitCode.CONFIGURATION
    return read.value.problems


def test_a_good_table_gives_sorted_typed_cases_and_hashed_slides(tmp_path: Path) -> None:
    slides = slides_in(tmp_path)
    table = write(tmp_path, GOOD)
    check_table(table, slides_dir=slides, config=SURVIVAL)
    cohort = read_table(table, slides_dir=slides, config=SURVIVAL)
    assert [case.case_id for case in cohort.cases] == ["C1", "C2"]
    first = cohort.cases[0]
    assert (first.site, first.time_months, first.event, first.label) == ("A", 12.5, True, None)
    assert first.clinical == (("age", "61"),)
    assert [slide.path for slide in cohort.slides] == ["a.tiff", "sub/b.tiff", "c.tiff"]
    assert cohort.slides[2].size_bytes == 4
    assert cohort.slides[1].sha256 == digest_of_file(slides / "sub/b.tiff")
    assert cohort.n_events == 1


def test_without_slide_path_the_one_file_named_after_the_slide_is_taken(tmp_path: Path) -> None:
    slides = slides_in(tmp_path, {"S1.svs": b"1", "S2": b"22", "S2.svs": b"333", ".S1.x": b"4"})
    table = write(tmp_path, ("C1,S1,tumour", "C2,S2,normal"), header="case_id,slide_id,label")
    cohort = read_table(table, slides_dir=slides, config=CLASSES)
    assert [slide.path for slide in cohort.slides] == ["S1.svs", "S2"]
    assert cohort.classes == ("normal", "tumour")
    assert cohort.cases[0].site is None


def test_a_slide_id_that_fits_several_files_or_none_is_named(tmp_path: Path) -> None:
    slides = slides_in(tmp_path, {"S1.svs": b"1", "S1.tiff": b"2"})
    table = write(tmp_path, ("C1,S1,a", "C2,S9,b"), header="case_id,slide_id,label")
    found = problems(table, slides, CLASSES)
    assert found[0].startswith("line 2: slide 'S1' fits several files (S1.svs, S1.tiff)")
    assert found[1].startswith("line 3: slide 'S9' has no file of that name")


def test_all_problems_of_a_table_are_listed_at_once(tmp_path: Path) -> None:
    slides = slides_in(tmp_path)
    rows = (
        "C1,S1,a.tiff,A,-3,1,61",
        "C1,S2,sub/b.tiff,B,5,1,61",
        "C 3,S1,missing.tiff,A,x,2,61",
        ",,c.tiff,A,7,,61",
        "C4,S4,../cohort.csv,A,8,0,61",
        "C5,S5,sub,A,8,0,61",
        "C6,S6,a.tiff,A,inf,0,61",
        "C7,S7,,,1_0,0,61",
    )
    found = problems(write(tmp_path, rows), slides)
    expected = [
        "line 2: time_months '-3' is not above 0",
        "line 3: case 'C1' has time_months '5' here and '-3' in line 2",
        "line 3: case 'C1' has site 'B' here and 'A' in line 2",
        "line 4: case_id 'C 3' is not a valid id",
        "line 4: time_months 'x' is not a number",
        "line 4: event '2' is not 0",
        "line 4: slide 'S1' belongs to case 'C 3' here and to case 'C1' in line 2",
        "line 4: slide 'S1' (missing.tiff) does not exist",
        "line 5: case_id is empty",
        "line 5: event '' is not 0",
        "line 5: slide_id is empty",
        "line 6: path '../cohort.csv' leaves",
        "line 7: slide 'S5' (sub) is a folder",
        "line 8: time_months 'inf' is not a number",
        "line 8: slide 'S6' names the same file (a.tiff) as slide 'S1' in line 2",
        "line 9: time_months '1_0' is not a number",
        "line 9: site is empty",
        "line 9: slide_path of slide 'S7' is empty",
    ]
    unmatched = [start for start in expected if not any(f.startswith(start) for f in found)]
    assert unmatched == []
    assert len(found) == len(expected)


@pytest.mark.parametrize(
    ("header", "start"),
    [
        ("case_id,slide_id,slide_path,site,time,event,age", "line 1: column 'time' says no uni"),
        ("Case_ID,slide_id,slide_path,site,time_months,event,age", "line 1: column 'case_id' is"),
        ("case_id,slide_id,slide_path,site,time_months,event,sex", "line 1: column 'age' is mis"),
        ("case_id,slide_id,slide_path,site,time_months,event,event", "line 1: column 'event' st"),
        ("case_id,slide_id,slide_path,,time_months,event,age", "line 1: a column has no name"),
    ],
)
def test_a_wrong_header_is_named(tmp_path: Path, header: str, start: str) -> None:
    found = problems(write(tmp_path, GOOD, header=header), slides_in(tmp_path))
    assert any(problem.startswith(start) for problem in found)


def test_a_near_column_name_is_suggested_and_other_separators_are_recognised(
    tmp_path: Path,
) -> None:
    slides = slides_in(tmp_path)
    near = write(tmp_path, GOOD, header=HEADER.replace("case_id", "Case_ID"))
    assert "is it 'Case_ID'? Then rename that one" in problems(near, slides)[0]
    semicolons = write(tmp_path, ["C1;S1"], header="Case_ID;slide_id")
    assert "is it 'Case_ID'? Then rename that one" in "".join(problems(semicolons, slides))


@pytest.mark.parametrize(
    ("content", "start"),
    [
        (b"", "the table is empty"),
        (b"\xef\xbb\xbf \n", "the table is empty"),
        (HEADER.encode() + b"\n", "the table has a header but no rows"),
        (HEADER.encode() + b"\nC1,S1,\xe4.tiff,A,1,1,6\n", "not UTF-8 text (byte "),
        (HEADER.encode() + b'\nC1,S1,"a.tiff,A,1,1,6\n', "line 2: not valid CSV"),
        (HEADER.encode() + b"\nC1,S1\n", "line 2: 2 cells where the header has 7"),
        (HEADER.encode() + b"\n,, ,,,,\n", "line 2: all cells are empty"),
    ],
)
def test_a_table_that_cannot_be_read_is_said_so(tmp_path: Path, content: bytes, start: str) -> None:
    table = tmp_path / "cohort.csv"
    table.write_bytes(content)
    assert problems(table, slides_in(tmp_path))[0].startswith(start)


def test_a_missing_table_and_a_missing_folder_are_both_named(tmp_path: Path) -> None:
    found = problems(tmp_path / "none.csv", tmp_path / "none")
    assert found[0].startswith("no such file")
    assert found[1].endswith("cohort.slides_dir must hold the slides")


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    rows = ('C1,S1,a.tiff,"A\nB",1,1,60', "", "C2,S2,sub/b.tiff,A,0,0,7")
    found = problems(write(tmp_path, rows), slides_in(tmp_path))
    assert found == ("line 5: time_months '0' is not above 0; correct it or remove the case",)


def test_equal_content_under_two_slide_ids_is_found_but_empty_files_are_not(
    tmp_path: Path,
) -> None:
    files = {"a.tiff": b"same", "b.tiff": b"same", "c.tiff": b"", "d.tiff": b"", "e.tiff": b"diff"}
    slides = slides_in(tmp_path, files)
    rows = [f"C{n},S{n},{name},A,1,1,60" for n, name in enumerate(files)]
    found = problems(write(tmp_path, rows), slides)
    assert len(found) == 1
    assert found[0].startswith("line 3: slide 'S1' (b.tiff) has the same content as slide 'S0'")


def test_empty_slides_go_on_to_be_quarantined(tmp_path: Path) -> None:
    slides = slides_in(tmp_path, {"a.tiff": b""})
    table = write(tmp_path, ("C1,S1,a.tiff,A,1,1,60",))
    assert read_table(table, slides_dir=slides, config=SURVIVAL).slides[0].size_bytes == 0


def test_links_pipes_and_loops_are_refused_without_hanging(tmp_path: Path) -> None:
    slides = slides_in(tmp_path)
    (tmp_path / "outside.tiff").write_bytes(b"out")
    (slides / "link.tiff").symlink_to(tmp_path / "outside.tiff")
    (slides / "loop.tiff").symlink_to(slides / "loop.tiff")
    os.mkfifo(slides / "pipe.tiff")
    rows = [f"C{n},S{n},{n}.tiff,A,1,1,60" for n in ("link", "loop", "pipe")]
    found = problems(write(tmp_path, rows), slides)
    assert "leaves" in found[0]
    assert "cannot be followed" in found[1] or "cannot be read" in found[1]
    assert "not a regular file" in found[2]


def test_outcomes_that_teach_nothing_are_refused(tmp_path: Path) -> None:
    slides = slides_in(tmp_path)
    censored = write(tmp_path, ("C1,S1,a.tiff,A,1,0,60", "C2,S2,c.tiff,A,1,0.0,60"))
    assert problems(censored, slides)[0].startswith("no case has event 1")
    header = "case_id,slide_id,slide_path,label"
    same = write(tmp_path, ("C1,S1,a.tiff,x", "C2,S2,c.tiff,x"), header=header)
    assert problems(same, slides, CLASSES)[0].startswith("only 1 class (x)")
    blank = write(
        tmp_path, ("C1,S1,a.tiff,x", "C2,S2,c.tiff,y", "C3,S3,sub/b.tiff,"), header=header
    )
    assert problems(blank, slides, CLASSES) == (
        "line 4: label is empty; give the case a class or remove it",
    )


def test_a_blank_site_column_counts_as_none(tmp_path: Path) -> None:
    slides = slides_in(tmp_path)
    table = write(tmp_path, ("C1,S1,a.tiff,,1,1,60", "C2,S2,c.tiff,,1,0,60"))
    cohort = read_table(table, slides_dir=slides, config=SURVIVAL)
    assert {case.site for case in cohort.cases} == {None}


def series_in(folder: Path, name: str, *, pixels: int = 300) -> list[Path]:
    return make_series(folder, tissue_picture(pixels, pixels), name=name)


def test_a_folder_with_one_dicom_series_is_a_slide_of_all_its_files(tmp_path: Path) -> None:
    slides = tmp_path / "slides"
    files = [series_in(slides / name, name) for name in ("S1", "S2")]
    by_path = write(
        tmp_path, ("C1,S1,S1,a", "C2,S2,S2/S2_1.dcm,b"), header="case_id,slide_id,slide_path,label"
    )
    named = read_table(by_path, slides_dir=slides, config=CLASSES)
    assert [slide.path for slide in named.slides] == ["S1/S1_0.dcm", "S2/S2_1.dcm"]
    by_name = write(tmp_path, ("C1,S1,a", "C2,S2,b"), header="case_id,slide_id,label")
    found = read_table(by_name, slides_dir=slides, config=CLASSES)
    assert [slide.path for slide in found.slides] == ["S1/S1_0.dcm", "S2/S2_0.dcm"]
    for cohort in (named, found):
        for slide, parts in zip(cohort.slides, files, strict=True):
            assert slide.size_bytes == sum(part.stat().st_size for part in parts)
            assert slide.sha256 == digest_of_slide(parts[0])


def test_a_folder_with_two_series_must_name_one_and_one_series_is_one_slide(tmp_path: Path) -> None:
    slides = tmp_path / "slides"
    series_in(slides / "S1", "one")
    series_in(slides / "S1", "two")
    rows = ("C1,S1,S1,a", "C2,S2,S1/one_0.dcm,b", "C3,S3,S1/one_1.dcm,b")
    table = write(tmp_path, rows, header="case_id,slide_id,slide_path,label")
    with pytest.raises(CohortError) as caught:
        read_table(table, slides_dir=slides, config=CLASSES)
    folder, same = caught.value.problems
    assert folder.startswith("line 2: slide 'S1' is the folder S1 with 2 DICOM series")
    assert same.startswith("line 4: slide 'S3' (one_1.dcm) has the same content as slide 'S2'")


def test_the_parts_of_a_slide_are_no_slides_of_that_name(tmp_path: Path) -> None:
    files = {"S1.vms": b"ImageFile=S1.jpg\nMapFile=S1.map\n", "S1.jpg": b"1", "S1.map": b"2"}
    files |= {"S2.mrxs": b"x", "S2/Slidedat.ini": b"y", "S2/Data0000.dat": b"z"}
    slides = slides_in(tmp_path, files)
    table = write(tmp_path, ("C1,S1,a", "C2,S2,b"), header="case_id,slide_id,label")
    check_table(table, slides_dir=slides, config=CLASSES)
    cohort = read_table(table, slides_dir=slides, config=CLASSES)
    assert [slide.path for slide in cohort.slides] == ["S1.vms", "S2.mrxs"]
    assert [slide.size_bytes for slide in cohort.slides] == [len(files["S1.vms"]) + 2, 3]
