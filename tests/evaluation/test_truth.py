"""The truth of the tested cases, and what is said where it is not known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from shazam.cohort.folds import Fold, Splits
from shazam.cohort.model import Case
from shazam.errors import ConfigError
from shazam.evaluation.truth import truth_of_arrays, truth_of_cases

SPLITS = Splits(
    folds=(
        Fold(train=("b",), validation=("c",), test=("a",)),
        Fold(train=("a",), validation=("c",), test=("b",)),
    ),
    sites_preserved=False,
)
SURVIVAL = [Case(name, None, 2.0, name == "a", None, ()) for name in "abc"]
LABELLED = [Case(name, None, None, None, "x", ()) for name in "abc"]
MEASURED = [Case(name, None, None, None, None, (), values=(("g", 1.0),)) for name in "abc"]


@dataclass(frozen=True)
class Arrays:
    case_ids: tuple[str, ...]
    time_months: NDArray[np.float64] | None = None
    event: NDArray[np.bool_] | None = None
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    values: NDArray[np.float64] | None = None
    targets: tuple[str, ...] = ()


def test_only_tested_cases_need_an_outcome() -> None:
    cases = [replace(case, event=None) if case.case_id == "c" else case for case in SURVIVAL]
    truth = truth_of_cases(cases, splits=SPLITS)
    assert truth.case_ids == ("a", "b")
    assert truth.fold.tolist() == [0, 1]
    assert truth.event.tolist() == [True, False]


def test_cases_that_are_unknown_are_named() -> None:
    told = r"1 tested case\(s\) are not among .* are given: b; make the splits again"
    with pytest.raises(ConfigError, match=told):
        truth_of_cases([SURVIVAL[0], SURVIVAL[2]], splits=SPLITS)
    with pytest.raises(ConfigError, match=told):
        truth_of_arrays(Arrays(case_ids=("a", "c")), splits=SPLITS)


@pytest.mark.parametrize("lost", ["time_months", "event"])
def test_cases_without_time_or_event_are_named(lost: str) -> None:
    cases = [replace(case, **{lost: None}) for case in SURVIVAL]
    with pytest.raises(
        ConfigError, match=r"2 tested case\(s\) have no time_months or no event: a, b; complete"
    ):
        truth_of_cases(cases, splits=SPLITS)


def test_cases_of_no_class_are_named_with_their_labels() -> None:
    with pytest.raises(
        ConfigError, match=r"no label among the classes y, z, but x: a, b; complete the cohort"
    ):
        truth_of_cases(LABELLED, splits=SPLITS, classes=("y", "z"))
    without = [replace(case, label=None) if case.case_id == "b" else case for case in LABELLED]
    with pytest.raises(ConfigError, match=r"1 tested .* among the classes x, y: b; complete"):
        truth_of_cases(without, splits=SPLITS, classes=("x", "y"))


def test_cases_without_a_value_of_any_target_are_named() -> None:
    empty = [replace(case, values=(("g", None),)) for case in MEASURED]
    with pytest.raises(ConfigError, match=r"have no value of any target \(g, h\): a, b; complete"):
        truth_of_cases(empty, splits=SPLITS, targets=("g", "h"))
    truth = truth_of_cases(MEASURED, splits=SPLITS, targets=("g", "h"))
    assert truth.values.tolist() == [[1.0, pytest.approx(np.nan, nan_ok=True)]] * 2


def test_many_cases_are_named_in_part() -> None:
    names = tuple(f"n{number:02}" for number in range(14))
    splits = Splits(folds=(Fold(train=(), validation=(), test=names),), sites_preserved=False)
    with pytest.raises(ConfigError, match=r"14 tested case\(s\).*n00, .*n09 and 4 more; make"):
        truth_of_cases([], splits=splits)
