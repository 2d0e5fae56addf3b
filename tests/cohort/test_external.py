"""A run on folds made elsewhere: taken as they are, completed where that is honest, or refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from shazam.cohort.external import splits_of_files
from shazam.cohort.folds import Splits
from shazam.cohort.model import Cohort
from shazam.cohort.split_files import read_split_files
from shazam.config.splits import Scheme, SitePolicy, SplitsConfig
from shazam.errors import ConfigError, LeakError
from tests.cohort.made import cohort_of, survival_case

CASES = [
    survival_case(f"s{site}-{n}", site=f"s{site}", event=n % 2)
    for site in range(6)
    for n in range(6)
]
COHORT = cohort_of(CASES)
KEPT = SplitsConfig(scheme=Scheme.FILES, files=(Path("x.csv"),))
IGNORED = KEPT.model_copy(update={"sites": SitePolicy.IGNORED})


def ids(*sites: int) -> list[str]:
    return [case.case_id for case in CASES if case.site in {f"s{site}" for site in sites}]


def write(folder: Path, folds: list[dict[str, list[str]]]) -> Path:
    for number, parts in enumerate(folds):
        rows = max(len(part) for part in parts.values())
        lines = [",".join(["", *parts])]
        lines += [
            ",".join([str(n), *(part[n] if n < len(part) else "" for part in parts.values())])
            for n in range(rows)
        ]
        (folder / f"splits_{number}.csv").write_text("\n".join(lines) + "\n")
    return folder


def taken(
    folder: Path,
    folds: list[dict[str, list[str]]],
    *,
    cohort: Cohort = COHORT,
    config: SplitsConfig = KEPT,
) -> Splits:
    given = read_split_files([write(folder, folds)])
    return splits_of_files(given, cohort=cohort, cases=cohort.cases, config=config)


WHOLE = [
    {"train": ids(2, 3), "val": ids(4, 5), "test": ids(0, 1)},
    {"train": ids(0, 1), "val": ids(4, 5), "test": ids(2, 3)},
    {"train": ids(0, 1), "val": ids(2, 3), "test": ids(4, 5)},
]


def test_whole_folds_are_taken_as_they_are(tmp_path: Path) -> None:
    splits = taken(tmp_path, WHOLE)
    assert splits.scheme is Scheme.FILES
    assert splits.sites_preserved
    assert splits.notes == ()
    for fold, given in zip(splits.folds, WHOLE, strict=True):
        assert fold.parts == {
            "train": tuple(given["train"]),
            "validation": tuple(given["val"]),
            "test": tuple(given["test"]),
        }


def test_slides_are_counted_by_their_cases(tmp_path: Path) -> None:
    slides = [replace(COHORT.slides[0], slide_id="second", sha256="e" * 64), *COHORT.slides]
    cohort = replace(COHORT, slides=tuple(slides))
    named = [{part: [f"{n}.s.svs" for n in own] for part, own in f.items()} for f in WHOLE]
    named[0]["test"].append("second")
    assert taken(tmp_path, named, cohort=cohort) == taken(tmp_path, WHOLE)
    named[1]["test"].append("second")
    with pytest.raises(LeakError, match=r"splits_1\.csv: cases in train and test: s0-0"):
        taken(tmp_path, named, cohort=cohort)


def test_a_missing_validation_part_is_carved_out_of_training_and_said(tmp_path: Path) -> None:
    folds = [{"train": f["train"] + f["val"], "test": f["test"]} for f in WHOLE]
    splits = taken(tmp_path, folds)
    for number, fold in enumerate(splits.folds):
        assert fold.test == tuple(WHOLE[number]["test"])
        assert fold.validation
        assert set(fold.train) | set(fold.validation) == set(folds[number]["train"])
        sites = [{case_id[:2] for case_id in part} for part in fold.parts.values()]
        assert not sites[0] & sites[1]
    assert [note for note in splits.notes if "carved out of training" in note] == [
        f"fold {n}: no validation part is given: it is carved out of training" for n in range(3)
    ]


def test_validation_is_tested_where_no_test_part_is_given_and_said(tmp_path: Path) -> None:
    folds = [{"train": f["train"] + f["val"], "val": f["test"]} for f in WHOLE]
    splits = taken(tmp_path, folds)
    assert [fold.test for fold in splits.folds] == [tuple(f["test"]) for f in WHOLE]
    assert sum("no test part" in note for note in splits.notes) == 3


def test_validation_that_is_the_test_part_is_refused_with_its_reason(tmp_path: Path) -> None:
    folds = [{"train": f["train"], "val": f["test"], "test": f["test"]} for f in WHOLE]
    with pytest.raises(LeakError, match="validation and test are the same 12 cases"):
        taken(tmp_path, folds)


def test_sites_in_training_and_test_are_refused_unless_they_are_ignored(tmp_path: Path) -> None:
    mixed = [ids(*range(6))[n::3] for n in range(3)]
    folds = [
        {"train": mixed[(n + 1) % 3], "val": mixed[(n + 2) % 3], "test": mixed[n]} for n in range(3)
    ]
    with pytest.raises(LeakError, match=r"sites in train and test: s0, s1, s2, s3, s4, s5"):
        taken(tmp_path, folds)
    splits = taken(tmp_path, folds, config=IGNORED)
    assert not splits.sites_preserved
    assert any("sites are ignored as configured" in note for note in splits.notes)


def test_slides_of_equal_content_in_two_parts_are_refused(tmp_path: Path) -> None:
    same = [
        replace(slide, sha256="f" * 64) if slide.case_id in ("s0-0", "s2-0") else slide
        for slide in COHORT.slides
    ]
    with pytest.raises(LeakError, match="equal content in train and test: s0-0 and s2-0"):
        taken(tmp_path, WHOLE, cohort=replace(COHORT, slides=tuple(same)))


def test_cases_that_one_side_lacks_are_left_out_and_said(tmp_path: Path) -> None:
    folds = [{part: list(own) for part, own in fold.items()} for fold in WHOLE]
    folds[0]["test"][0] = "elsewhere"
    for fold in folds[1:]:
        fold["train"].remove("s0-0")
    splits = taken(tmp_path, folds, config=IGNORED)
    named = {case_id for fold in splits.folds for part in fold.parts.values() for case_id in part}
    assert named == set(ids(*range(6))) - {"s0-0"}
    assert any("1 case(s) of the split files are not in the cohort" in n for n in splits.notes)
    assert any("1 case(s) are in no split file and are left out: s0-0" in n for n in splits.notes)


def test_what_cannot_be_pooled_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="tested in no fold: s2-0"):
        taken(tmp_path, WHOLE[:1])
    with pytest.raises(ConfigError, match="tested in more than one fold: s0-0"):
        taken(tmp_path, [*WHOLE, WHOLE[0]])


def test_parts_without_known_cases_or_events_are_refused(tmp_path: Path) -> None:
    strange = [{part: [f"x{n}" for n in own] for part, own in f.items()} for f in WHOLE]
    with pytest.raises(ConfigError, match="no case of its train part is in the cohort"):
        taken(tmp_path, strange, config=IGNORED)
    censored = [replace(c, event=False) if c.site in ("s0", "s1") else c for c in CASES]
    with pytest.raises(ConfigError, match="no case of its test part has an event"):
        taken(tmp_path, WHOLE, cohort=cohort_of(censored))


def test_the_config_says_what_goes_together() -> None:
    with pytest.raises(ValueError, match="go with scheme 'files'"):
        SplitsConfig(files=(Path("x"),))
    with pytest.raises(ValueError, match="go with scheme 'files'"):
        SplitsConfig(scheme=Scheme.FILES)
    with pytest.raises(ValueError, match=r"set splits\.files too"):
        SplitsConfig(column="fold")
    with pytest.raises(ValueError, match="sites cannot be ignored"):
        SplitsConfig(scheme=Scheme.LEAVE_ONE_SITE_OUT, sites=SitePolicy.IGNORED)


def test_the_digest_of_split_files_follows_their_bytes_and_not_their_folder(
    tmp_path: Path,
) -> None:
    digests = []
    for folder, text in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.csv").write_text(text)
        config = KEPT.model_copy(update={"files": (tmp_path / folder / "x.csv",)})
        digests.append((config.files_digest(), config.without_folders()))
    assert digests[0] == digests[1]
    assert digests[0][0] != digests[2][0]
    assert SplitsConfig().files_digest() is None
    with pytest.raises(ConfigError, match=r"x\.csv"):
        KEPT.files_digest()
