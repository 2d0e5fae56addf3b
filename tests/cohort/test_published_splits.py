"""Our folds beside the published site-preserved ones, on the same real cases."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from shazam.cohort.external import splits_of_files
from shazam.cohort.folds import Splits, check_splits
from shazam.cohort.model import Case
from shazam.cohort.plain_table import read_plain_table
from shazam.cohort.repeats import make_repeats
from shazam.cohort.split_files import read_split_files
from shazam.cohort.splits import make_splits
from shazam.config.cohort import Task
from shazam.config.splits import Scheme, SitePolicy, SplitsConfig
from shazam.errors import LeakError
from tests.cohort.made import cohort_of, survival_case
from tests.real_data import shared_data

pytestmark = pytest.mark.integration

PUBLISHED = {"KIRC": "test", "LUAD": "test_tcgaluad"}
FILES = sorted(PUBLISHED)


def folders(cancer: str) -> list:
    root = shared_data() / "survival_panther_sitesplits"
    return [root / f"TCGA_{cancer}_overall_survival_k={k}" for k in range(5)]


def published(cancer: str) -> tuple[list[Case], list[list[str]]]:
    """Return the cases and the test part of each published fold."""
    cases: dict[str, Case] = {}
    tested = []
    for folder in folders(cancer):
        table = read_plain_table(folder / f"{PUBLISHED[cancer]}.csv.gz")
        ids = table.column("case_id")
        for case_id, censored in zip(ids, table.column("os_censorship"), strict=True):
            cases[case_id] = survival_case(
                case_id, site=case_id.split("-")[1], event=int(float(censored) == 0)
            )
        tested.append(sorted(set(ids)))
    return list(cases.values()), tested


def spread(cases: Sequence[Case], tested: Sequence[Sequence[str]]) -> tuple[int, float]:
    """Return range and variance of the events of the test parts."""
    event = {case.case_id: bool(case.event) for case in cases}
    counts = [sum(event[case_id] for case_id in ids) for ids in tested]
    return max(counts) - min(counts), float(np.var(counts))


def parts_tested(splits: Splits) -> list[tuple[str, ...]]:
    return [fold.test for fold in splits.folds]


@pytest.mark.parametrize("cancer", FILES)
def test_our_folds_keep_sites_apart_and_are_at_least_as_balanced_in_events(cancer: str) -> None:
    cases, theirs = published(cancer)
    splits = make_splits(cases, task=Task.SURVIVAL, config=SplitsConfig(n_folds=5))
    assert splits.sites_preserved
    check_splits(splits, cases=cases)
    ours = spread(cases, parts_tested(splits))
    assert ours[0] <= spread(cases, theirs)[0]
    assert ours[1] <= spread(cases, theirs)[1]


@pytest.mark.parametrize("cancer", FILES)
def test_published_folders_are_the_folds_of_a_run(cancer: str) -> None:
    cases, theirs = published(cancer)
    splits = splits_of_files(
        read_split_files(folders(cancer)),
        cohort=cohort_of(cases),
        cases=cases,
        config=SplitsConfig(scheme=Scheme.FILES, files=tuple(folders(cancer))),
    )
    assert splits.sites_preserved
    assert parts_tested(splits) == [tuple(ids) for ids in theirs]
    assert all(fold.validation for fold in splits.folds)
    assert sum("carved out of training" in note for note in splits.notes) == 5
    assert any("is of other cases and is left out" in note for note in splits.notes)


@pytest.mark.parametrize("cancer", FILES)
def test_random_published_folds_run_only_where_sites_are_ignored(cancer: str) -> None:
    root = shared_data() / "survival_porpoise"
    table = read_plain_table(root / f"tcga_{cancer.lower()}_all_clean.csv.zip")
    censored = dict(zip(table.column("case_id"), table.column("censorship"), strict=True))
    cases = [
        survival_case(case_id, site=case_id.split("-")[1], event=int(float(own) == 0))
        for case_id, own in censored.items()
    ]
    files = (root / "splits" / f"tcga_{cancer.lower()}",)
    given = read_split_files(files)
    kept = SplitsConfig(scheme=Scheme.FILES, files=files)
    with pytest.raises(LeakError, match="sites in train and test"):
        splits_of_files(given, cohort=cohort_of(cases), cases=cases, config=kept)
    ignored = kept.model_copy(update={"sites": SitePolicy.IGNORED})
    splits = splits_of_files(given, cohort=cohort_of(cases), cases=cases, config=ignored)
    assert not splits.sites_preserved
    assert sum(map(len, parts_tested(splits))) == len(cases)


def test_real_sites_are_left_out_or_pooled_and_repeats_differ() -> None:
    cases, _ = published("LUAD")
    config = SplitsConfig(scheme=Scheme.LEAVE_ONE_SITE_OUT)
    splits = make_splits(cases, task=Task.SURVIVAL, config=config)
    check_splits(splits, cases=cases)
    assert len(splits.folds) > 5
    assert any("tested together" in note for note in splits.notes)
    repeats = make_repeats(cases, task=Task.SURVIVAL, config=SplitsConfig(), n_repeats=2)
    assert set(parts_tested(repeats[0])) != set(parts_tested(repeats[1]))
