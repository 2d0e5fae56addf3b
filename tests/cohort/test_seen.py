"""What a model was trained on: kept by fold, and compared by name, patient and slide content."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shazam.cohort.folds import Fold, Splits
from shazam.cohort.model import Case, Cohort
from shazam.cohort.seen import (
    Seen,
    SeenRecord,
    check_sites_unseen,
    check_unseen,
    unseen_cases,
)
from shazam.errors import LeakError
from tests.cohort.made import cohort_of, survival_case

COHORT = cohort_of([survival_case(f"c{n}") for n in range(6)])
SPLITS = Splits(
    folds=(
        Fold(train=("c3", "c2"), validation=("c4",), test=("c0", "c1")),
        Fold(train=("c0", "c1"), validation=("c5",), test=("c2", "c3", "c4")),
    ),
    sites_preserved=False,
)
RECORD = SeenRecord.of(COHORT, splits=SPLITS)
CONTENT = {slide.case_id: slide.sha256 for slide in COHORT.slides}


def tiles(patient: str, *, n_tiles: int = 2) -> list[Case]:
    return [replace(survival_case(f"{patient}.s#{n}"), group=patient) for n in range(n_tiles)]


def test_each_fold_names_what_it_was_fitted_and_chosen_on() -> None:
    first, second = RECORD.folds
    assert first.case_ids == ("c2", "c3", "c4")
    assert set(first.slides_sha256) == {CONTENT[name] for name in first.case_ids}
    assert second.case_ids == ("c0", "c1", "c5")
    assert RECORD.whole == Seen.of(COHORT, [case.case_id for case in COHORT.cases])


def test_a_tile_brings_its_patient_and_the_slides_of_it() -> None:
    cohort = replace(COHORT, cases=(*tiles("c0"), *tiles("c1")), slides=COHORT.slides[:2])
    fold = Fold(train=("c0.s#0", "c0.s#1"), validation=(), test=("c1.s#0", "c1.s#1"))
    (own,) = SeenRecord.of(cohort, splits=Splits(folds=(fold,), sites_preserved=False)).folds
    assert own.case_ids == ("c0", "c0.s#0", "c0.s#1")
    assert own.slides_sha256 == (CONTENT["c0"],)


def test_a_new_case_is_new_by_name_by_patient_and_by_content() -> None:
    new = cohort_of([survival_case("n0"), survival_case("n1"), survival_case("c0")])
    copied = tuple(
        replace(slide, sha256=CONTENT["c3"]) if slide.case_id == "n1" else slide
        for slide in new.slides
    )
    later = replace(new, slides=copied)
    assert unseen_cases(later, ["c0", "n0", "n1"], by=RECORD.whole) == ("n0",)
    grouped: Cohort = replace(new, cases=(*tiles("c0"), *tiles("n0"), *tiles("n1")), slides=copied)
    names = [case.case_id for case in grouped.cases]
    assert unseen_cases(grouped, names, by=RECORD.whole) == ("n0.s#0", "n0.s#1")


def test_imported_slides_have_no_content_to_share() -> None:
    bare = tuple(replace(s, sha256="", size_bytes=0, path="") for s in COHORT.slides)
    seen = SeenRecord.of(replace(COHORT, slides=bare), splits=SPLITS).whole
    assert seen.slides_sha256 == frozenset()
    other = cohort_of([survival_case("n0")])
    empty = replace(other, slides=(replace(other.slides[0], sha256="", size_bytes=0),))
    assert unseen_cases(empty, ["n0"], by=seen) == ("n0",)


def test_a_tested_case_that_was_seen_is_named() -> None:
    with pytest.raises(LeakError, match=r"release was trained on 1 tested case\(s\), such as c2"):
        check_unseen(Seen.of(COHORT, ["c2"]), trained_on=RECORD.folds[0].seen, model="release")
    check_unseen(Seen.of(COHORT, ["c1"]), trained_on=RECORD.folds[0].seen, model="release")


def test_a_case_is_not_new_in_another_spelling() -> None:
    other = cohort_of([survival_case("C0 "), survival_case("n0")])
    assert unseen_cases(other, ["C0 ", "n0"], by=RECORD.whole) == ("n0",)
    tested = Seen(frozenset({"C0 ", "n0"}), frozenset())
    with pytest.raises(LeakError, match="trained on 1 tested case"):
        check_unseen(tested, trained_on=RECORD.whole, model="release")


SITED = cohort_of([survival_case(f"c{n}", site=f"Site {n % 3}") for n in range(6)])


def test_the_sites_of_each_fold_are_kept() -> None:
    record = SeenRecord.of(SITED, splits=SPLITS)
    assert [fold.sites for fold in record.folds] == [
        ("Site 0", "Site 1", "Site 2"),
        ("Site 0", "Site 1", "Site 2"),
    ]
    assert SeenRecord.of(SITED, splits=one_fold("c0", "c3")).whole.sites == {"Site 0"}


def one_fold(*train: str) -> Splits:
    fold = Fold(train=train, validation=(), test=("c5",))
    return Splits(folds=(fold,), sites_preserved=False)


def test_one_case_without_a_site_makes_them_unknown() -> None:
    cases = (*SITED.cases[:4], replace(SITED.cases[4], site=None), SITED.cases[5])
    record = SeenRecord.of(replace(SITED, cases=cases), splits=SPLITS)
    assert record.folds[0].sites is None
    assert record.folds[1].sites == ("Site 0", "Site 1", "Site 2")
    assert record.whole.sites is None
    assert Seen.of(SITED, ["c0", "stranger"]).sites is None


def test_a_record_of_an_earlier_version_knows_no_sites() -> None:
    plain = SeenRecord.of(SITED, splits=SPLITS).model_dump()
    folds = [{name: fold[name] for name in fold if name != "sites"} for fold in plain["folds"]]
    record = {"format": "shazam-seen-1", "folds": folds}
    seen = SeenRecord.model_validate_json(json.dumps(record)).whole
    assert seen.case_ids == {case.case_id for case in SITED.cases}
    with pytest.raises(LeakError, match="does not say the site of every case"):
        check_sites_unseen({"elsewhere"}, trained_on=seen, model="release")


def test_a_promised_site_is_not_trained_on_in_any_spelling() -> None:
    seen = SeenRecord.of(SITED, splits=SPLITS).whole
    check_sites_unseen({"Site 3"}, trained_on=seen, model="release")
    with pytest.raises(LeakError, match=r"release was trained on 1 site.*such as SITE 1"):
        check_sites_unseen({"SITE 1", "Site 3"}, trained_on=seen, model="release")
