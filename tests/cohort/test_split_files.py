"""Split files made elsewhere: read in every form, and leaks between their parts named."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from shazam.cohort.known import Known
from shazam.cohort.split_check import SplitFindings, check_given
from shazam.cohort.split_files import read_split_files
from shazam.errors import ConfigError
from tests.cohort.made import cohort_of, survival_case

COLUMNS = "{},train,val,test\n0,a1,b1,c1\n1,a2,,c2\n"
BOOLEAN = "{},train,val,test\na1,True,False,False\na2,True,False,False\nb1,False,True,False\n"
BOOLEAN += "c1,False,False,True\nc2,False,False,True\n"
PARTS = {"train": ("a1", "a2"), "validation": ("b1",), "test": ("c1", "c2")}


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


def names(path: Path, **options: str) -> list[dict[str, tuple[str, ...]]]:
    return [
        {part: tuple(member.name for member in members) for part, members in fold.parts.items()}
        for fold in read_split_files([path], **options)
    ]


def checked(
    *paths: Path, sites_preserved: bool = False, known: Known | None = None
) -> SplitFindings:
    return check_given(
        read_split_files(paths), known=known or Known(), sites_preserved=sites_preserved
    )


@pytest.mark.parametrize(
    "text",
    [
        COLUMNS.format(""),
        COLUMNS.format("index"),
        BOOLEAN.format(""),
        BOOLEAN.format("slide_id"),
        BOOLEAN.format("").replace("True", "1.0").replace("False", "0.0"),
        "i,case_id,train,val,test\n0,a1,1,0,0\n1,a2,1,0,0\n2,b1,0,1,0\n3,c1,0,0,1\n4,c2,0,0,1\n",
        ",train,train_label,val,val_label,test,test_label\n0,a1,0,b1,1,c1,0\n1,a2,1,,,c2,1\n",
        COLUMNS.format("").replace(",", "\t"),
        "\ufeff" + COLUMNS.format("").replace("\n", "\r\n"),
        "val,test,train\nb1,c1,a1\n,c2,a2\n",
        "case_id,group\na1,train\na2,train\nb1,valid\nc1,test\nc2,Test\n",
    ],
)
def test_every_form_gives_the_same_parts(tmp_path: Path, text: str) -> None:
    assert names(write(tmp_path, "splits_0.csv", text)) == [PARTS]


def test_a_folder_of_one_table_for_each_part_is_one_fold(tmp_path: Path) -> None:
    for k in (0, 2, 10):
        write(tmp_path, f"study_k={k}/train.csv.gz", f"case_id,slide_id\na,a.{k}\n")
        write(tmp_path, f"study_k={k}/test.csv", "case_id,slide_id\nc,c.1\nc,c.2\n")
        write(tmp_path, f"study_k={k}/test_other.csv", "case_id,slide_id\nd,d.1\n")
    folds = read_split_files([tmp_path])
    assert [fold.name for fold in folds] == ["study_k=0", "study_k=2", "study_k=10"]
    assert len({fold.family for fold in folds}) == 1
    assert set(folds[0].parts) == {"train", "test", "test_other"}
    assert [member.slide_id for member in folds[0].parts["test"]] == ["c.1", "c.2"]
    both = read_split_files(
        [tmp_path / "study_k=0" / name for name in ("test.csv", "train.csv.gz")]
    )
    assert [set(fold.parts) for fold in both] == [{"train", "test"}]


def test_a_folder_of_split_files_is_read_once_and_in_the_order_of_its_numbers(
    tmp_path: Path,
) -> None:
    for k in (10, 9):
        write(tmp_path, f"splits_{k}.csv", COLUMNS.format(""))
        write(tmp_path, f"splits_{k}_bool.csv", BOOLEAN.format(""))
        write(tmp_path, f"splits_{k}_descriptor.csv", ",train,val,test\nx,2,1,2\n")
    folds = read_split_files([tmp_path])
    assert [fold.name.split("/")[1] for fold in folds] == ["splits_9.csv", "splits_10.csv"]


def test_fold_numbers_are_folds_and_empty_cells_are_left_out(tmp_path: Path) -> None:
    table = write(tmp_path, "t.csv", "slide,submitter_id,CV_a,CV_b\ns,x,1,\nt,y,2,1\nu,z,1.0,2\n")
    assert names(table, column="CV_a") == [
        {"train": ("y",), "test": ("x", "z")},
        {"train": ("x", "z"), "test": ("y",)},
    ]
    assert names(table, column="CV_b")[0] == {"train": ("z",), "test": ("y",)}
    assert len(names(table)) == 4


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the table is empty"),
        (",train,val,test\n", "has no rows"),
        ("case_id,age\na,1\n", "says no folds"),
        ("case_id,train\na,1.0\n", "says no folds"),
        (",train,val,test\nhigh,50,10,9\nlow,40,8,9\n", "counts the cases"),
        (",train,val,test\n0,,a,b\n", "no cases to train on; .*0 of train, 1 of val.*: complete"),
        (",train,val,test\n0,a,,\n", "no cases to test; .*1 of train, 0 of val.*: complete"),
        (",train,val,valid,test\n0,a,b,c,d\n", "one part: val, valid; keep one"),
        (",train,val\n0,a\n", "line 2 has 2 cells"),
        ("fold,age\n1,3\n2,4\n", "no column of ids among fold, age; name the one .* case_id"),
        ("case_id,fold\n,1\nb,2\n", "row 2 has no id in column 'case_id'; write"),
        ("case_id,group\na,train\nb,train\n", "says no folds"),
    ],
)
def test_what_says_no_folds_is_refused_by_name(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=f"splits_0.csv.*{problem}"):
        read_split_files([write(tmp_path, "splits_0.csv", text)])


def test_files_that_are_no_tables_are_refused(tmp_path: Path) -> None:
    (tmp_path / "splits.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "broken.csv.gz").write_bytes(b"\x1f\x8b\x08\x00")
    (tmp_path / "broken.csv.zip").write_bytes(b"PK")
    (tmp_path / "empty").mkdir()
    for name in ("splits.csv", "broken.csv.gz", "broken.csv.zip", "empty", "missing.csv"):
        with pytest.raises(ConfigError, match=name):
            read_split_files([tmp_path / name])
    with pytest.raises(ConfigError, match=r"t\.csv: has no column 'b'.*has: case_id, fold; name"):
        read_split_files([write(tmp_path, "t.csv", "case_id,fold\na,1\nb,2\n")], column="b")
    write(tmp_path, "half/train.csv", "case_id\na\n")
    with pytest.raises(ConfigError, match=r"half: has a table for train only; .* add the table"):
        read_split_files([tmp_path / "half"])


@pytest.mark.parametrize(
    ("cells", "held"),
    [
        (("1", "1"), "but 1;"),
        (("x", "y"), "but x, y;"),
        (("", ""), "but nothing;"),
        (tuple(map(str, range(51))), "but 0, 1, 10, 11, 12 and 46 more;"),
    ],
)
def test_a_column_without_folds_is_refused_with_what_it_holds(
    tmp_path: Path, cells: tuple[str, ...], held: str
) -> None:
    rows = [f"c{number},{cell}" for number, cell in enumerate(cells)]
    path = write(tmp_path, "t.csv", "\n".join(["case_id,cv", *rows]) + "\n")
    with pytest.raises(ConfigError, match=rf"t\.csv: column 'cv' holds neither .*{held} name"):
        read_split_files([path], column="cv")


def test_slides_of_one_case_in_two_parts_are_a_leak_by_their_barcodes(tmp_path: Path) -> None:
    text = (
        ",train,val,test\n0,TCGA-05-4244-01Z-00-DX1.aa.svs,TCGA-06-1111,tcga-05-4244-01Z-00-DX2\n"
    )
    findings = checked(write(tmp_path, "s.csv", text))
    assert [leak.partition(": ")[2] for leak in findings.leaks] == [
        "cases in train and test: TCGA-05-4244"
    ]


def test_sites_are_a_leak_between_fitted_and_tested_parts_alone(tmp_path: Path) -> None:
    text = (
        ",train,val,test\n0,TCGA-05-0001,TCGA-05-0002,TCGA-07-0003\n1,TCGA-06-0004,,TCGA-06-0005\n"
    )
    path = write(tmp_path, "s.csv", text)
    assert checked(path).leaks == ()
    findings = checked(path, sites_preserved=True)
    assert [leak.partition(": ")[2] for leak in findings.leaks] == ["sites in train and test: 06"]
    assert findings.folds[0].notes == ("validation shares sites with training",)


def test_validation_that_is_the_test_part_is_a_leak_with_its_reason(tmp_path: Path) -> None:
    findings = checked(write(tmp_path, "s.csv", ",train,val,test\n0,a,c,c\n1,b,d,d\n"))
    assert len(findings.leaks) == 1
    assert "validation and test are the same 2 cases: what is chosen" in findings.leaks[0]


def test_validation_is_what_is_tested_where_there_is_no_test_part(tmp_path: Path) -> None:
    findings = checked(write(tmp_path, "s.csv", ",train,val\n0,a,c\n1,b,b\n"))
    assert [leak.partition(": ")[2] for leak in findings.leaks] == ["cases in train and test: b"]
    assert "there is no test part" in findings.folds[0].notes[0]


def test_a_further_test_part_may_not_overlap_either(tmp_path: Path) -> None:
    for part, case in {"train": "a", "test": "b", "test_other": "a"}.items():
        write(tmp_path, f"k=0/{part}.csv", f"case_id\n{case}\n")
    assert [leak.partition(": ")[2] for leak in checked(tmp_path).leaks] == [
        "cases in test_other and train: a"
    ]


def test_a_slide_under_two_cases_is_a_leak(tmp_path: Path) -> None:
    write(tmp_path, "k=0/train.csv", "case_id,slide_id\na,s1\n")
    write(tmp_path, "k=0/test.csv", "case_id,slide_id\nb,s1\n")
    assert "slides of two cases in test and train: s1" in checked(tmp_path).leaks[0]


def test_a_cohort_tells_cases_sites_and_contents(tmp_path: Path) -> None:
    cohort = cohort_of([survival_case(name, site=f"site{name}") for name in "abc"])
    twins = [replace(slide, sha256="f" * 64) for slide in cohort.slides if slide.case_id != "c"]
    known = Known.of_cohort(replace(cohort, slides=(*twins, cohort.slides[2])))
    path = write(tmp_path, "s.csv", ",train,test\n0,a.s,b.s.svs\n1,,c.s\n")
    (leak,) = checked(path, known=known, sites_preserved=True).leaks
    assert leak.endswith("cases with a slide of equal content in train and test: b and a")


def test_a_table_tells_cases_sites_and_contents(tmp_path: Path) -> None:
    rows = "case_id,slide_id,site,sha256\np,s1,5,00\np,s2,5,01\nq,s3,6,01\nr,s4,6,02\n"
    known = Known.of_file(write(tmp_path, "cohort.csv", rows))
    findings = checked(
        write(tmp_path, "s.csv", ",train,val,test\n0,s1,r,s2\n1,,,s3\n"),
        known=known,
        sites_preserved=True,
    )
    assert [leak.partition(": ")[2] for leak in findings.leaks] == [
        "cases in train and test: p",
        "sites in train and test: 5",
        "sites in validation and test: 6",
    ]
    apart = checked(write(tmp_path, "t.csv", ",train,test\n0,s1,q\n"), known=known)
    assert "equal content in train and test: q and p" in apart.leaks[0]


def test_a_site_that_lost_its_leading_zero_is_still_the_site_of_the_barcode(tmp_path: Path) -> None:
    table = write(tmp_path, "cohort.csv", "case_id,site\nTCGA-05-0001,5\n")
    path = write(tmp_path, "s.csv", ",train,test\n0,TCGA-05-0001,TCGA-05-0002\n")
    (leak,) = checked(path, known=Known.of_file(table), sites_preserved=True).leaks
    assert leak.endswith("sites in train and test: 05")


def test_sites_that_are_not_known_cannot_be_promised(tmp_path: Path) -> None:
    path = write(tmp_path, "s.csv", ",train,test\n0,TCGA-05-0001,mine\n")
    with pytest.raises(ConfigError, match=r"sites of 1 case\(s\) in test are not known"):
        checked(path, sites_preserved=True)
    assert "are taken for cases, such as mine" in checked(path).notes[0]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("slide_id,site\ns,1\n", "no column of cases"),
        ("case_id,slide_id\na,s\nb,s\n", "slides of two cases: s"),
        ("case_id,site\na,1\na,2\n", "case 'a' has two sites"),
    ],
)
def test_a_cohort_table_that_contradicts_itself_is_refused(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        Known.of_file(write(tmp_path, "cohort.csv", text))


def test_ids_may_be_paths_of_files(tmp_path: Path) -> None:
    text = ",train,test\n0,/data/a/TCGA-05-4244-01Z-00-DX1.svs,b\\TCGA-05-4244-01Z-00-DX2.h5\n"
    (leak,) = checked(write(tmp_path, "s.csv", text)).leaks
    assert leak.endswith("cases in train and test: TCGA-05-4244")


def test_cases_that_the_cohort_table_lacks_are_said_and_all_of_them_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "s.csv", ",train,test\n0,a,b\n")
    one = Known.of_file(write(tmp_path, "one.csv", "case_id\na\n"))
    assert "1 cases are not in the cohort table: b" in checked(path, known=one).notes
    none = Known.of_file(write(tmp_path, "none.csv", "case_id\nz\n"))
    with pytest.raises(ConfigError, match="knows none of the 2 cases"):
        checked(path, known=none)


def test_cases_tested_twice_are_said(tmp_path: Path) -> None:
    for k in range(2):
        write(tmp_path, f"splits_{k}.csv", ",train,test\n0,a,b\n")
    findings = checked(tmp_path)
    assert findings.leaks == ()
    assert any("1 cases are tested in more than one fold" in note for note in findings.notes)
