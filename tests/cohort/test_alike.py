"""Look-alikes: names that differ in letter case or white space alone are one for every check."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shazam.cohort.alike import alike_across, folded, pairs_text, spellings_of
from shazam.cohort.external import splits_of_files
from shazam.cohort.folds import Fold, Splits
from shazam.cohort.known import Known
from shazam.cohort.leaks import check_no_leaks
from shazam.cohort.model import Case
from shazam.cohort.split_check import SplitFindings, check_given
from shazam.cohort.split_files import read_split_files
from shazam.config.splits import Scheme, SitePolicy, SplitsConfig
from shazam.errors import ConfigError, LeakError
from tests.cohort.made import cohort_of, survival_case
from tests.cohort.tables import problems, read

HOW = "that differ only in letter case or white space"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Site A", "site a"),
        ("Site A", " Site  A\t"),
        ("Site\u00a0A", "Site A"),
        ("Site\u200b A", "Site A"),
        ("\uff33ite A", "Site A"),
        ("STRASSE", "stra\u00dfe"),
        ("Mu\u0308nchen", "m\u00fcnchen"),
        ("TCGA-05-4244", "tcga-05-4244"),
    ],
)
def test_what_a_reader_takes_for_one_has_one_form(one: str, other: str) -> None:
    assert one != other
    assert folded(one) == folded(other)


@pytest.mark.parametrize(("one", "other"), [("S1", "S2"), ("Site A", "SiteA"), ("5", "05")])
def test_other_names_stay_different(one: str, other: str) -> None:
    assert folded(one) != folded(other)


@given(st.text(max_size=20))
def test_a_form_is_its_own_form_whatever_the_case_and_the_blanks(name: str) -> None:
    assert folded(folded(name)) == folded(name)
    assert folded(f" {name}\n") == folded(name)
    assert folded(name.casefold()) == folded(name)


def test_pairs_and_spellings_are_sorted_and_equal_names_are_none() -> None:
    left = {name: folded(name) for name in ("b", "A", "c")}
    right = {name: folded(name) for name in ("a", "B", "c")}
    assert alike_across(left, right) == (("A", "a"), ("b", "B"))
    assert pairs_text(alike_across(left, right)) == "'A' and 'a', 'b' and 'B'"
    assert spellings_of(["x", "b", "B", "X", "y"]) == (("B", "b"), ("X", "x"))


def checked(folder: Path, text: str, *, known: Known, sites: bool = False) -> SplitFindings:
    (folder / "s.csv").write_text(text, encoding="utf-8")
    return check_given(read_split_files([folder / "s.csv"]), known=known, sites_preserved=sites)


def leaks(found: SplitFindings) -> list[str]:
    return [leak.partition(": ")[2] for leak in found.leaks]


def table(folder: Path, text: str) -> Known:
    (folder / "cohort.csv").write_text(text, encoding="utf-8")
    return Known.of_file(folder / "cohort.csv")


def test_cases_of_two_spellings_leak_under_both_names(tmp_path: Path) -> None:
    found = checked(tmp_path, ",train,val,test\n0,p1,x,P1\n1,q,y,z\n", known=Known())
    assert leaks(found) == [f"cases in train and test {HOW}: 'p1' and 'P1'"]
    apart = checked(tmp_path, ",train,val,test\n0,p1,x,p2\n1,P1,y,z\n", known=Known())
    assert leaks(apart) == []


def test_a_barcode_that_the_table_writes_in_small_letters_leaks(tmp_path: Path) -> None:
    known = table(tmp_path, "case_id\ntcga-05-4244\nTCGA-06-1111\n")
    text = ",train,test\n0,tcga-05-4244,TCGA-05-4244-01Z-00-DX1\n1,TCGA-06-1111,\n"
    found = checked(tmp_path, text, known=known)
    assert leaks(found) == [f"cases in train and test {HOW}: 'tcga-05-4244' and 'TCGA-05-4244'"]


def test_a_slide_that_is_spelt_otherwise_is_still_of_its_case(tmp_path: Path) -> None:
    known = table(tmp_path, "case_id,slide_id\np,slide-1\nq,slide-2\n")
    found = checked(tmp_path, ",train,test\n0,Slide-1.svs,p\n1,,q\n", known=known)
    assert leaks(found) == [f"cases in train and test {HOW}: 'Slide-1' and 'p'"]
    assert any(
        note.startswith("of these some differ") and note.endswith("'Slide-1' and 'slide-1'")
        for note in found.notes
    )


def test_a_table_in_another_letter_case_is_said_where_it_knows_no_case(tmp_path: Path) -> None:
    known = table(tmp_path, "case_id\nA\nB\n")
    with pytest.raises(ConfigError, match=r"knows none of the 2 cases.*'a' and 'A'"):
        checked(tmp_path, ",train,test\n0,a,b\n", known=known)


def test_sites_of_two_spellings_leak_where_sites_are_preserved(tmp_path: Path) -> None:
    known = table(tmp_path, "case_id,site\na,Site A\nb,Site B\nc,site  a\nd,SITE B\n")
    text = ",train,val,test\n0,a,d,c\n1,b,,\n"
    assert leaks(checked(tmp_path, text, known=known)) == []
    found = checked(tmp_path, text, known=known, sites=True)
    # validation and training may share a site
    assert leaks(found) == [f"sites in train and test {HOW}: 'Site A' and 'site  a'"]


CASES = [
    survival_case(f"s{site}-{n}", site=f"s{site}", event=n % 2)
    for site in range(3)
    for n in range(4)
]


def ids(site: int) -> list[str]:
    return [case.case_id for case in CASES if case.site == f"s{site}"]


def rotated() -> list[dict[str, list[str]]]:
    return [{"train": ids((k + 1) % 3), "val": ids((k + 2) % 3), "test": ids(k)} for k in range(3)]


def given_folds(folder: Path, folds: list[dict[str, list[str]]]) -> Path:
    for number, parts in enumerate(folds):
        rows = [f"{name},{part}" for part, names in parts.items() for name in names]
        (folder / f"splits_{number}.csv").write_text("\n".join(["case_id,split", *rows]) + "\n")
    return folder


def taken(folder: Path, cases: list[Case], *, sites: SitePolicy = SitePolicy.PRESERVED) -> Splits:
    config = SplitsConfig(scheme=Scheme.FILES, files=(folder,), sites=sites)
    given = read_split_files([folder])
    return splits_of_files(given, cohort=cohort_of(cases), cases=cases, config=config)


def test_split_files_of_a_run_may_not_hold_look_alikes(tmp_path: Path) -> None:
    folds = rotated()
    folds[1]["train"].append("S1-0")
    with pytest.raises(LeakError, match=rf"cases in train and test {HOW}: 'S1-0' and 's1-0'"):
        taken(given_folds(tmp_path, folds), CASES)


def test_a_case_that_the_files_spell_otherwise_is_said(tmp_path: Path) -> None:
    folds = [
        {part: [name.replace("s0-0", "S0-0") for name in names] for part, names in fold.items()}
        for fold in rotated()
    ]
    splits = taken(given_folds(tmp_path, folds), CASES)
    assert (
        "of these some differ only in letter case or white space from a name of the cohort: "
        "'S0-0' and 's0-0'" in splits.notes
    )


def test_sites_of_a_run_that_look_alike_leak_unless_they_are_ignored(tmp_path: Path) -> None:
    cases = [replace(case, site="S0") if case.case_id == "s1-0" else case for case in CASES]
    folder = given_folds(tmp_path, rotated())
    with pytest.raises(LeakError, match=rf"sites in train and test {HOW}: 'S0' and 's0'"):
        taken(folder, cases)
    assert len(taken(folder, cases, sites=SitePolicy.IGNORED).folds) == 3


def made_splits(*, preserved: bool = True) -> Splits:
    folds = [
        Fold(train=tuple(parts["train"]), validation=tuple(parts["val"]), test=tuple(parts["test"]))
        for parts in rotated()
    ]
    return Splits(folds=tuple(folds), sites_preserved=preserved)


def test_splits_are_checked_for_look_alikes_before_they_are_used() -> None:
    check_no_leaks(made_splits(), cohort=cohort_of(CASES))
    sites = [replace(case, site="S0") if case.site == "s1" else case for case in CASES]
    with pytest.raises(LeakError, match=rf"fold 0: sites in train and test {HOW}: 'S0' and 's0'"):
        check_no_leaks(made_splits(), cohort=cohort_of(sites))
    check_no_leaks(made_splits(preserved=False), cohort=cohort_of(sites))
    tiles = [replace(case, group="p" if case.site == "s0" else case.site) for case in CASES]
    check_no_leaks(made_splits(), cohort=cohort_of(tiles))
    tiles = [replace(case, group="P") if case.site == "s1" else case for case in tiles]
    with pytest.raises(LeakError, match=rf"cases in train and test {HOW}: 'P' and 'p'"):
        check_no_leaks(made_splits(), cohort=cohort_of(tiles))


def test_a_cohort_table_with_look_alikes_is_refused_with_lines(tmp_path: Path) -> None:
    rows = "c1,Mainz,1,1\nC1,Bonn,2,0\nc2,mainz,3,1\nc3,B o n n,4,0\n"
    cases, sites = problems(tmp_path, f"case_id,site,time_months,event\n{rows}")
    assert cases.startswith(f"cases 'C1', 'c1' (lines 2 and 3) {HOW.removeprefix('that ')}")
    assert sites.startswith(f"sites 'Mainz', 'mainz' (lines 2 and 4) {HOW.removeprefix('that ')}")
    assert "write them alike if they are one" in cases


def test_two_spellings_of_a_barcode_are_one_finding(tmp_path: Path) -> None:
    rows = "TCGA-05-4244,1,1\ntcga-05-4244,2,0\n"
    (found,) = problems(tmp_path, f"case_id,time_months,event\n{rows}")
    assert found.startswith("patient TCGA-05-4244 stands in 2 cases")


def test_what_only_may_be_one_stays_a_note(tmp_path: Path) -> None:
    rows = "c1,5,1,1\nc2,05,2,0\nc3,Site A,3,1\nc4,SiteA,4,0\n"
    cohort = read(tmp_path, f"case_id,site,time_months,event\n{rows}")
    assert sum("count as different ones" in note for note in cohort.notes) == 2
