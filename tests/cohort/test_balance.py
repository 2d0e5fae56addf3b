"""What the solver proved of the balance of folds is told, and with its own number."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shazam.cohort.assignment import Assignment, Limits, assign_groups
from shazam.cohort.balance import NO_GAP, Gap, balance_note
from shazam.cohort.external import splits_of_files
from shazam.cohort.folds import Splits
from shazam.cohort.split_forms import GivenFold, Member
from shazam.cohort.splits import make_splits
from shazam.config.cohort import Task
from shazam.config.splits import Scheme, SplitsConfig
from tests.cohort.made import cohort_of, survival_case

N_SITES, N_FOLDS = 8, 3
BANDS = np.array([0.0, 0.1, 0.3, 0.4, 0.5, 0.6, 0.7])
PROVEN_WITHIN = (17, 21, 25, 42)
"""Seeds of sites whose programme ends with a gap above 0 and below 2 %."""


def sites_of(seed: int) -> NDArray[np.int64]:
    """Return cases and events of some sites, int64 ``[N_SITES, 2]``."""
    rng = np.random.default_rng(seed)
    cases = rng.integers(1, 30, (N_SITES, 1))
    return np.concatenate([cases, rng.binomial(cases, 0.4)], axis=1)


def assigned(seed: int, *, time_limit_s: float = 20.0) -> Assignment:
    free = Limits(np.zeros((2, N_FOLDS), np.int64), np.full((2, N_FOLDS), 10**6))
    shares = np.full(N_FOLDS, 1 / N_FOLDS)
    return assign_groups(
        sites_of(seed), shares=shares, limits=free, seed=seed, time_limit_s=time_limit_s
    )


def costs(counts: NDArray[np.int64], bins: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the cost of assignments int64 ``[n, N_SITES]``, from its definition."""
    loads = np.stack([(bins == k) @ counts for k in range(N_FOLDS)], axis=1)
    target = counts.sum(axis=0) / N_FOLDS
    over, under = loads - np.ceil(target - 1e-9), np.floor(target + 1e-9) - loads
    beyond = np.maximum(over, under)[..., None] - BANDS * target[:, None]
    return (np.maximum(beyond, 0).sum(axis=-1) / np.maximum(target, 1)).sum(axis=(1, 2))


@pytest.mark.parametrize("seed", [0, 1, *PROVEN_WITHIN])
def test_the_gap_bounds_how_far_the_best_of_all_assignments_is(seed: int) -> None:
    found = assigned(seed)
    every = np.array(list(product(range(N_FOLDS), repeat=N_SITES)))
    own, best = costs(sites_of(seed), found.bins[None])[0], costs(sites_of(seed), every).min()
    assert found.gap.finished
    assert best >= own * (1 - found.gap.relative) - 1e-9
    assert found.gap.is_none == (seed not in PROVEN_WITHIN)
    if found.gap.is_none:
        assert own == pytest.approx(best)


def test_the_gap_of_a_solver_that_finished_is_the_same_in_every_run() -> None:
    first, again = assigned(17), assigned(17, time_limit_s=500.0)
    assert first.gap == again.gap
    assert 0 < first.gap.relative < 0.02
    assert first.bins.tolist() == again.bins.tolist()


@pytest.mark.parametrize(
    ("gap", "told"),
    [
        (Gap(0.011344777, finished=True), "proven to be within 1.1 % of the best"),
        (Gap(0.00004, finished=True), "proven to be within 0.004 % of the best"),
        (Gap(0.413, finished=False), "not proven to be the best (gap 41 % after 20 s)"),
        (Gap(0.011, finished=False), "not proven to be the best (gap 1.1 % after 20 s)"),
        (Gap(1.0, finished=False), "not proven to be the best (gap 100 % after 20 s)"),
        (Gap(np.inf, finished=False), "not proven to be the best (no bound after 20 s)"),
    ],
)
def test_a_gap_is_told_with_its_number(gap: Gap, told: str) -> None:
    note = balance_note("the folds", {None: gap}, time_limit_s=20.0)
    assert note == f"the balance of the folds is {told}"


def test_what_is_proven_to_be_the_best_needs_no_note_and_the_rest_names_its_fold() -> None:
    solved = {0: NO_GAP, 1: Gap(1e-9, finished=True)}
    assert balance_note("inner validation", solved, time_limit_s=3) is None
    some = solved | {2: Gap(0.01, finished=True), 3: Gap(0.5, finished=False)}
    assert balance_note("inner validation", some, time_limit_s=3) == (
        "the balance of inner validation is proven to be within 1 % of the best in fold 2; "
        "not proven to be the best in fold 3 (gap 50 % after 3 s)"
    )


def made(seed: int, **changed: float) -> Splits:
    cases = [
        survival_case(f"s{site}-{n}", site=f"s{site}", event=int(n < n_events))
        for site, (n_cases, n_events) in enumerate(sites_of(seed).tolist())
        for n in range(n_cases)
    ]
    config = SplitsConfig.model_validate({"n_folds": N_FOLDS, "seed": seed} | changed)
    return make_splits(cases, task=Task.SURVIVAL, config=config)


def test_folds_say_the_gap_that_is_left_and_nothing_where_none_is() -> None:
    (note,) = made(17).notes
    assert note == "the balance of the folds is proven to be within 0.21 % of the best"
    assert made(0).notes == ()
    assert made(17) == made(17)


def test_inner_validation_says_the_gap_of_its_fold() -> None:
    (note,) = made(21).notes
    assert note == (
        "the balance of inner validation is proven to be within 0.03 % of the best in fold 0"
    )


def test_validation_that_is_carved_for_split_files_says_its_gap() -> None:
    splits = made(21)
    cases = [
        survival_case(f"s{site}-{n}", site=f"s{site}", event=int(n < n_events))
        for site, (n_cases, n_events) in enumerate(sites_of(21).tolist())
        for n in range(n_cases)
    ]
    given = [
        GivenFold(
            name=f"fold={number}",
            family="fold",
            parts={
                "train": tuple(map(Member, (*fold.train, *fold.validation))),
                "test": tuple(map(Member, fold.test)),
            },
        )
        for number, fold in enumerate(splits.folds)
    ]
    config = SplitsConfig(scheme=Scheme.FILES, files=(Path("x.csv"),), seed=21)
    taken = splits_of_files(given, cohort=cohort_of(cases), cases=cases, config=config)
    assert taken.folds == splits.folds
    assert (
        "fold 0: the balance of inner validation is proven to be within 0.03 % of the best"
        in taken.notes
    )
