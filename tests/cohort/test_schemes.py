"""One site left out at a time, and repeated cross-validation: partitions all, or refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.cohort.folds import check_splits
from shazam.cohort.model import Case
from shazam.cohort.repeats import make_repeats
from shazam.cohort.splits import make_splits
from shazam.config.cohort import Task
from shazam.config.splits import Scheme, SitePolicy, SplitsConfig
from shazam.errors import ConfigError
from tests.cohort.made import labelled_case, survival_case
from tests.cohort.test_splits import EVEN, cases_at, n_events

LEFT_OUT = SplitsConfig(scheme=Scheme.LEAVE_ONE_SITE_OUT)


def sites_of_folds(cases: list[Case], config: SplitsConfig = LEFT_OUT) -> list[list[str]]:
    splits = make_splits(cases, task=Task.SURVIVAL, config=config)
    assert splits.scheme is Scheme.LEAVE_ONE_SITE_OUT
    assert splits.sites_preserved
    return [sorted({case_id.split("-")[0] for case_id in fold.test}) for fold in splits.folds]


def test_every_site_is_a_fold() -> None:
    cases = cases_at({"a": (30, 9), "b": (12, 7), "c": (20, 8)})
    assert sorted(sites_of_folds(cases)) == [["a"], ["b"], ["c"]]


def test_small_sites_are_tested_together_and_it_is_said() -> None:
    sites = {"a": (30, 9), "b": (12, 7), "c": (20, 2), "d": (9, 4), "e": (2, 1)}
    cases = cases_at(sites)
    assert sorted(sites_of_folds(cases)) == [["a"], ["b"], ["c", "d", "e"]]
    note = make_splits(cases, task=Task.SURVIVAL, config=LEFT_OUT).notes[0]
    assert "below 10 cases or 5 events): c, d, e" in note
    lower = LEFT_OUT.model_copy(update={"min_site_cases": 2, "min_site_events": 1})
    assert sorted(sites_of_folds(cases, lower)) == [["a"], ["b"], ["c"], ["d"], ["e"]]


def test_a_small_site_that_is_alone_joins_the_smallest_other() -> None:
    cases = cases_at({"a": (30, 9), "b": (12, 7), "c": (20, 8), "d": (1, 0)})
    assert sorted(sites_of_folds(cases)) == [["a"], ["b", "d"], ["c"]]


@pytest.mark.parametrize(
    ("sites", "reason"),
    [
        ({"a": (40, 30), "b": (15, 10), "c": (15, 10)}, "site 'a' holds 60% of the events"),
        ({"a": (90, 10), "b": (15, 10), "c": (15, 10)}, "site 'a' holds 75% of the cases"),
        ({"a": (40, 20)}, r"1 site\(s\) cannot fill 2 folds"),
        ({"a": (4, 2), "b": (4, 2)}, r"1 site\(s\) cannot fill 2 folds"),
    ],
)
def test_sites_that_cannot_be_left_out_are_refused_with_the_reason(
    sites: dict[str, tuple[int, int]], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        make_splits(cases_at(sites), task=Task.SURVIVAL, config=LEFT_OUT)
    assert "splits.scheme=kfold" in str(caught.value)


def test_sites_must_be_known_to_be_left_out() -> None:
    cases = [survival_case(f"c{n}", event=n % 2) for n in range(20)]
    with pytest.raises(ConfigError, match="names no sites"):
        make_splits(cases, task=Task.SURVIVAL, config=LEFT_OUT)
    with pytest.raises(ConfigError, match=r"1 case\(s\) have no site"):
        make_splits([*cases_at(EVEN), cases[0]], task=Task.SURVIVAL, config=LEFT_OUT)


def test_a_class_of_one_site_cannot_be_left_out() -> None:
    cases = [
        labelled_case(f"{site}-{n}", "rare" if site == "a" and n < 2 else "xy"[n % 2], site=site)
        for site in "abc"
        for n in range(12)
    ]
    with pytest.raises(ConfigError, match="class 'rare' occurs in 1 site only"):
        make_splits(cases, task=Task.CLASSIFICATION, config=LEFT_OUT)


@settings(deadline=None, max_examples=15, derandomize=True)
@given(
    sites=st.lists(
        st.integers(1, 30).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))),
        min_size=1,
        max_size=10,
    )
)
def test_leaving_sites_out_is_a_partition_by_site_or_refused(sites: list[tuple[int, int]]) -> None:
    cases = cases_at({f"s{number}": counts for number, counts in enumerate(sites)})
    config = LEFT_OUT.model_copy(update={"time_limit_s": 5.0})
    try:
        splits = make_splits(cases, task=Task.SURVIVAL, config=config)
    except ConfigError:
        return
    check_splits(splits, cases=cases)
    for fold in splits.folds:
        assert len(fold.test) >= 10
        assert n_events(fold.test, cases) >= 5
        assert sum(map(len, fold.parts.values())) == len(cases)


@settings(deadline=None, max_examples=4, derandomize=True)
@given(
    n_cases=st.integers(24, 60),
    n_folds=st.integers(2, 4),
    policy=st.sampled_from(SitePolicy),
    seed=st.integers(0, 5),
)
def test_repeats_are_different_partitions_with_the_same_balance(
    n_cases: int, n_folds: int, policy: SitePolicy, seed: int
) -> None:
    cases = [
        survival_case(f"c{n:02}", site=f"s{n % 12}", event=int(n % 3 == 0)) for n in range(n_cases)
    ]
    config = SplitsConfig(n_folds=n_folds, sites=policy, seed=seed, time_limit_s=5)
    repeats = make_repeats(cases, task=Task.SURVIVAL, config=config, n_repeats=2)
    assert repeats[0] == make_splits(cases, task=Task.SURVIVAL, config=config)
    assert len({frozenset(fold.test for fold in splits.folds) for splits in repeats}) == 2
    for splits in repeats:
        check_splits(splits, cases=cases)
        counts = [n_events(fold.test, cases) for fold in splits.folds]
        assert max(counts) - min(counts) <= (1 if policy is SitePolicy.IGNORED else 6)


def test_a_repeat_that_cannot_differ_says_so() -> None:
    cases = cases_at({"a": (12, 5), "b": (12, 5)})
    config = SplitsConfig(n_folds=2)
    first, second = make_repeats(cases, task=Task.SURVIVAL, config=config, n_repeats=2)
    assert "repeat 1 has the test parts of repeat 0: no other was found" in second.notes
    assert not any("repeat" in note for note in first.notes)


def test_what_cannot_be_repeated_is_refused() -> None:
    cases = cases_at(EVEN)
    with pytest.raises(ConfigError, match="ask for at least 1"):
        make_repeats(cases, task=Task.SURVIVAL, config=SplitsConfig(), n_repeats=0)
    with pytest.raises(ConfigError, match="has one partition"):
        make_repeats(cases, task=Task.SURVIVAL, config=LEFT_OUT, n_repeats=2)
