"""Splits: disjoint, balanced, repeatable; and refused with a reason when they cannot be had."""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.cohort.folds import Fold, Splits, check_splits
from shazam.cohort.model import Case
from shazam.cohort.splits import make_splits
from shazam.config.cohort import Task
from shazam.config.splits import SitePolicy, SplitsConfig
from shazam.errors import ConfigError, LeakError
from tests.cohort.made import labelled_case, survival_case

SHARED = os.environ.get("SHAZAM_SHARED_DATA")


def cases_at(sites: dict[str, tuple[int, int]]) -> list[Case]:
    """Return cases at sites, given (cases, events) of each."""
    return [
        survival_case(f"{site}-{n}", site=site, event=int(n < n_events))
        for site, (n_cases, n_events) in sites.items()
        for n in range(n_cases)
    ]


EVEN = {f"s{n}": (8, 4) for n in range(9)}


def n_events(ids: tuple[str, ...], cases: list[Case]) -> int:
    return sum(bool(case.event) for case in cases if case.case_id in ids)


def test_folds_are_balanced_and_keep_sites_together() -> None:
    cases = cases_at(EVEN)
    splits = make_splits(cases, task=Task.SURVIVAL, config=SplitsConfig(n_folds=3))
    assert splits.sites_preserved
    assert splits.notes == ()
    assert [len(fold.test) for fold in splits.folds] == [24, 24, 24]
    assert [n_events(fold.test, cases) for fold in splits.folds] == [12, 12, 12]
    for fold in splits.folds:
        sites = [{case_id.split("-")[0] for case_id in part} for part in fold.parts.values()]
        assert len(set.union(*sites)) == sum(map(len, sites))
        assert n_events(fold.validation, cases) >= 1


def test_the_same_seed_gives_the_same_splits_whatever_the_order() -> None:
    cases = cases_at(EVEN)
    config = SplitsConfig(n_folds=3)
    first = make_splits(cases, task=Task.SURVIVAL, config=config)
    assert make_splits(cases[::-1], task=Task.SURVIVAL, config=config) == first
    other = config.model_copy(update={"seed": 1})
    assert make_splits(cases, task=Task.SURVIVAL, config=other) != first


@settings(deadline=None, max_examples=25, derandomize=True)
@given(
    sites=st.lists(
        st.integers(1, 12).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
        min_size=1,
        max_size=12,
    ),
    policy=st.sampled_from(SitePolicy),
    n_folds=st.integers(2, 4),
    seed=st.integers(0, 3),
)
def test_splits_either_keep_all_rules_or_are_refused(
    sites: list[tuple[int, int]], policy: SitePolicy, n_folds: int, seed: int
) -> None:
    cases = cases_at({f"s{number}": counts for number, counts in enumerate(sites)})
    config = SplitsConfig(n_folds=n_folds, sites=policy, seed=seed, time_limit_s=5)
    try:
        splits = make_splits(cases, task=Task.SURVIVAL, config=config)
    except ConfigError:
        return
    check_splits(splits, cases=cases)
    for fold in splits.folds:
        assert n_events(fold.test, cases) >= 1
        assert n_events(fold.train, cases) >= 1
        assert fold.validation
        assert sum(map(len, fold.parts.values())) == len(cases)


def test_classes_are_balanced_and_never_missing_from_training() -> None:
    labels = ["a"] * 30 + ["b"] * 18 + ["c"] * 6
    cases = [labelled_case(f"case{n:02}", label) for n, label in enumerate(labels)]
    splits = make_splits(cases, task=Task.CLASSIFICATION, config=SplitsConfig(n_folds=3))
    label_of = {case.case_id: case.label for case in cases}
    for fold in splits.folds:
        tested = [label_of[case_id] for case_id in fold.test]
        assert [tested.count(name) for name in "abc"] == [10, 6, 2]
        assert {label_of[case_id] for case_id in fold.train} == set("abc")
        assert {label_of[case_id] for case_id in fold.validation} == set("abc")


def test_shared_sites_are_said() -> None:
    cases = cases_at(EVEN)
    ignored = SplitsConfig(n_folds=3, sites=SitePolicy.IGNORED)
    assert (
        "ignored as configured" in make_splits(cases, task=Task.SURVIVAL, config=ignored).notes[0]
    )
    nameless = [survival_case(f"c{n}", event=n % 2) for n in range(20)]
    splits = make_splits(nameless, task=Task.SURVIVAL, config=SplitsConfig(n_folds=3))
    assert "names no sites" in splits.notes[0]
    assert not splits.sites_preserved


def test_validation_that_cannot_be_site_disjoint_is_said() -> None:
    cases = cases_at({"s0": (10, 5), "s1": (10, 5)})
    splits = make_splits(cases, task=Task.SURVIVAL, config=SplitsConfig(n_folds=2))
    assert splits.sites_preserved
    assert splits.notes == ("fold 0, 1: inner validation shares sites with training",)


def test_one_large_site_does_not_unbalance_the_other_folds() -> None:
    cases = cases_at({"big": (40, 20)} | {f"s{n}": (5, 2) for n in range(12)})
    splits = make_splits(cases, task=Task.SURVIVAL, config=SplitsConfig(n_folds=4))
    assert sorted(len(fold.test) for fold in splits.folds) == [20, 20, 20, 40]


@pytest.mark.parametrize(
    ("sites", "reason"),
    [
        ({"s0": (9, 5), "s1": (9, 5)}, r"2 site\(s\) cannot fill 3 folds"),
        ({"s0": (40, 5), "s1": (9, 5), "s2": (9, 5)}, "site 's0' holds 69% of the cases"),
        ({"s0": (9, 9), "s1": (9, 1), "s2": (9, 1)}, "site 's0' holds 82% of the events"),
        ({"s0": (9, 4), "s1": (9, 4), "s2": (9, 0)}, r"only 2 site\(s\) have events"),
    ],
)
def test_an_impossible_request_is_explained(sites: dict[str, tuple[int, int]], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        make_splits(cases_at(sites), task=Task.SURVIVAL, config=SplitsConfig(n_folds=3))


def test_a_class_of_one_site_is_refused_when_sites_are_preserved() -> None:
    cases = [
        labelled_case(f"{site}{n}", "rare" if site == "s2" and n < 2 else "ab"[n % 2], site=site)
        for site in ("s0", "s1", "s2")
        for n in range(6)
    ]
    with pytest.raises(ConfigError, match="class 'rare' occurs in 1 site only"):
        make_splits(cases, task=Task.CLASSIFICATION, config=SplitsConfig(n_folds=3))


def test_a_site_missing_for_some_cases_is_refused() -> None:
    cases = [*cases_at(EVEN), survival_case("lost")]
    with pytest.raises(ConfigError, match=r"1 case\(s\) have no site, such as lost"):
        make_splits(cases, task=Task.SURVIVAL, config=SplitsConfig(n_folds=3))


def test_leaks_are_all_named() -> None:
    cases = cases_at({"s0": (3, 1), "s1": (3, 1)})
    folds = (
        Fold(train=("s1-0", "s0-1"), validation=("s1-1",), test=("s0-0", "s0-1")),
        Fold(train=("s0-0",), validation=("s0-1", "s0-1"), test=("s1-0", "s1-1", "s0-1", "new")),
    )
    with pytest.raises(LeakError) as caught:
        check_splits(Splits(folds=folds, sites_preserved=True), cases=cases)
    message = str(caught.value)
    for part in (
        "cases in more than one test part: s0-1",
        "cases in no test part: s0-2, s1-2",
        "cases that the cohort does not have: new",
        "fold 0: cases in train and test: s0-1",
        "fold 0: sites in test and train: s0",
        "fold 1: cases in validation and test: s0-1",
        "fold 1: cases twice in validation: s0-1",
        "fold 1: sites in test and validation: s0",
    ):
        assert part in message


def test_sites_that_are_not_known_cannot_be_promised() -> None:
    cases = [survival_case("a"), survival_case("b", site="s"), survival_case("c", site="t")]
    folds = (
        Fold(train=("b",), validation=("c",), test=("a",)),
        Fold(train=("a",), validation=("c",), test=("b",)),
        Fold(train=("a",), validation=("b",), test=("c",)),
    )
    with pytest.raises(LeakError, match="sites are promised, but not known of a"):
        check_splits(Splits(folds=folds, sites_preserved=True), cases=cases)


def test_sites_may_overlap_where_it_was_not_promised() -> None:
    cases = cases_at({"s0": (2, 1), "s1": (2, 1)})
    folds = (
        Fold(train=("s0-1",), validation=("s1-1",), test=("s0-0", "s1-0")),
        Fold(train=("s0-0",), validation=("s1-0",), test=("s0-1", "s1-1")),
    )
    check_splits(Splits(folds=folds, sites_preserved=False), cases=cases)


@pytest.mark.skipif(SHARED is None, reason="SHAZAM_SHARED_DATA is not set")
@pytest.mark.parametrize("cancer", ["luad", "kirc"])
def test_real_site_structures_are_solved_in_seconds(cancer: str) -> None:
    table = Path(SHARED or "") / "survival_site_splits" / f"{cancer}_splits.csv"
    with table.open() as file:
        ids = sorted({row["submitter_id"] for row in csv.DictReader(file)})
    events = np.random.default_rng(0).random(len(ids)) < 0.35
    cases = [
        survival_case(case_id, site=case_id.split("-")[1], event=int(event))
        for case_id, event in zip(ids, events, strict=True)
    ]
    start_s = time.monotonic()
    splits = make_splits(cases, task=Task.SURVIVAL, config=SplitsConfig(n_folds=5))
    assert time.monotonic() - start_s < 10
    counts = [n_events(fold.test, cases) for fold in splits.folds]
    largest_site = max(
        sum(case.event is True for case in cases if case.site == site)
        for site in {case.site for case in cases}
    )
    assert max(counts) <= max(largest_site, events.sum() / 5 + 1)
