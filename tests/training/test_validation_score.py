"""The score of inner validation in a member's record."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shazam.config.cohort import Task
from shazam.training.outcomes import Outcomes
from shazam.training.validation_score import validation_score

ROWS = np.array([1, 2, 3])
EMPTY = Outcomes(("a", "b", "c", "d"), None, None, None, ())


def _score(outcomes: Outcomes, **columns: list[float]) -> float | None:
    return validation_score(pd.DataFrame(columns), outcomes=outcomes, rows=ROWS)


def test_harrell_c_by_hand() -> None:
    event = np.array([True, True, False, True])
    outcomes = replace(EMPTY, time_months=np.array([9.0, 1.0, 2.0, 3.0]), event=event)
    assert outcomes.task is Task.SURVIVAL
    assert _score(outcomes, risk=[2.0, 3.0, 1.0]) == pytest.approx(1 / 2)
    assert _score(replace(outcomes, event=np.zeros(4, dtype=np.bool_)), risk=[1, 2, 3]) is None


def test_nothing_to_compare_gives_no_score() -> None:
    time_months, event = np.array([1.0, 5.0, 5.0, 5.0]), np.array([True, True, True, True])
    outcomes = replace(EMPTY, time_months=time_months, event=event)
    assert _score(outcomes, risk=[1, 2, 3]) is None
    one = pd.DataFrame({"risk": [1.0]})
    assert validation_score(one, outcomes=outcomes, rows=np.array([1])) is None


def test_balanced_accuracy_by_hand() -> None:
    outcomes = replace(EMPTY, labels=np.array([0, 0, 0, 1]), classes=("x", "y"))
    assert _score(outcomes, prob_x=[0.9, 0.2, 0.3], prob_y=[0.1, 0.8, 0.7]) == pytest.approx(0.75)


def test_pearson_leaves_out_what_was_not_measured() -> None:
    values = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, np.nan], [4.0, 5.0]])
    outcomes = replace(EMPTY, values=values, targets=("u", "v"))
    assert _score(outcomes, value_u=[2, 4, 8], value_v=[3, 0, 1]) == pytest.approx(0.0)
    assert _score(outcomes, value_u=[1, 1, 1], value_v=[1, 1, 1]) is None
