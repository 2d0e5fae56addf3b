"""Subgroups: who is in them, what they score, and which are too small."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from shazam.cohort.model import Cohort
from shazam.config.evaluation import EvaluationConfig
from shazam.errors import ConfigError
from shazam.evaluation.metrics import harrell_c, observed
from shazam.evaluation.out_of_fold import out_of_fold
from shazam.evaluation.subgroups import Subgroup, subgroups_of
from shazam.evaluation.truth import truth_of_cases
from tests.evaluation import made

BASE, SIGNAL = made.survival_cohort(120)
SEXES = ["female", "male", "[Not Available]"]


def _cohort() -> Cohort:
    cases = [
        replace(
            case,
            clinical=(
                ("Sex", SEXES[0 if n < 70 else 1 if n < 115 else 2]),
                ("age", "" if n == 0 else str(40 + n % 40)),
                ("stage", "I" if n < 110 else "IV"),
            ),
        )
        for n, case in enumerate(BASE.cases)
    ]
    return replace(BASE, cases=tuple(cases))


COHORT = _cohort()
SPLITS = made.splits_of(COHORT)
TRUTH = truth_of_cases(COHORT.cases, splits=SPLITS)
TABLE = made.predictions("a", SIGNAL, cohort=COHORT, splits=SPLITS, noise=0.5)
SCORED = out_of_fold(TABLE, arm="a", truth=TRUTH, splits=SPLITS)
COUNTS = np.random.default_rng(0).multinomial(120, np.full(120, 1 / 120), size=50).astype(float)


def found(
    *, cohort: Cohort = COHORT, truth=TRUTH, **config: object
) -> dict[tuple[str, str], Subgroup]:
    subgroups = subgroups_of(
        SCORED,
        cohort=cohort,
        truth=truth,
        counts=COUNTS,
        config=EvaluationConfig.model_validate(config),
    )
    return {(own.column, own.group): own for own in subgroups}


def test_the_usual_columns_are_taken_where_the_cohort_names_them() -> None:
    subgroups = found()
    assert {column for column, _ in subgroups} == {"site", "Sex", "stage"}
    assert sum(own.n_cases for (column, _), own in subgroups.items() if column == "Sex") == 120
    assert subgroups["Sex", "unknown"].n_cases == 5
    assert subgroups["Sex", "unknown"].remark == "too small: 5 case(s), fewer than 20"
    assert all(own.value is None for (column, _), own in subgroups.items() if column == "site")


def test_the_metric_is_that_of_pairs_inside_the_subgroup_and_the_fold() -> None:
    women = found()["Sex", "female"]
    rows = np.array(
        [n for n, case in enumerate(COHORT.cases) if dict(case.clinical)["Sex"] == "female"]
    )
    own = replace(
        TRUTH,
        case_ids=tuple(TRUTH.case_ids[row] for row in rows),
        fold=TRUTH.fold[rows],
        time_months=TRUTH.time_months[rows],
        event=TRUTH.event[rows],
        labels=TRUTH.labels[rows],
        groups=tuple(TRUTH.groups[row] for row in rows),
    )
    expected = observed(harrell_c(SCORED.scores[rows, 0], truth=own), n_cases=len(rows))
    assert women.value is not None
    assert women.value == pytest.approx(expected, abs=1e-12)
    assert women.lower < women.value < women.upper
    assert women.n_events == own.event.sum()


def test_numbers_are_divided_at_the_median() -> None:
    subgroups = found(subgroups=["AGE"])
    assert list(subgroups) == [("age", "<= 60"), ("age", "> 60"), ("age", "unknown")]
    assert subgroups["age", "unknown"].n_cases == 1


def test_few_events_are_named_and_a_limit_can_be_set() -> None:
    few = found(subgroups=["stage"], subgroup_min_cases=10, subgroup_min_events=11)["stage", "IV"]
    assert few.value is None
    assert few.remark == f"too small: {few.n_events} event(s), fewer than 11"


def test_a_column_that_is_asked_for_must_be_there() -> None:
    with pytest.raises(ConfigError, match="no column scanner; it has Sex, age, site, stage"):
        found(subgroups=["sex", "scanner"])
    assert found(subgroups=[]) == {}
    assert found(cohort=replace(BASE, cases=tuple(replace(c, site=None) for c in BASE.cases))) == {}


def test_a_subgroup_with_one_case_a_fold_says_that_nothing_can_be_compared() -> None:
    rows = [int(TRUTH.fold_rows(number)[0]) for number in range(TRUTH.n_folds)]
    alone = {TRUTH.case_ids[row] for row in rows}
    cases = tuple(
        replace(case, clinical=(("scanner", "new" if case.case_id in alone else "old"),))
        for case in COHORT.cases
    )
    events = TRUTH.event.copy()
    events[rows] = True
    new = found(
        cohort=replace(COHORT, cases=cases),
        truth=replace(TRUTH, event=events),
        subgroups=["scanner"],
        subgroup_min_cases=2,
        subgroup_min_events=1,
    )["scanner", "new"]
    assert new.value is None
    assert new.remark == "no two of its cases can be compared within a fold"


def test_tiles_are_counted_by_their_case() -> None:
    grouped = replace(TRUTH, groups=tuple(f"g{n % 8}" for n in range(120)))
    assert found(truth=grouped)["stage", "I"].n_cases == 8
