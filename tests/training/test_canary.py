"""The canary: outcomes are dealt by case, or within sites, and every arm can be refitted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from shazam.config.cohort import Task
from shazam.config.student import StudentConfig
from shazam.errors import ConfigError
from shazam.models.arm import ArmResult
from shazam.training.canary import (
    DEALING,
    Dealing,
    canary_outcomes,
    fit_canary,
    refit_permuted,
    site_strata,
)
from shazam.training.execution import Execution
from shazam.training.learnable import permuted
from shazam.training.named_arm import NamedArm
from shazam.training.study import Study
from tests.training.made import QUICK, TEACHERS, Quiet, make_study, make_teachers

SITES = [f"s{n % 5}" if n % 7 else None for n in range(45)]
STUDENT = StudentConfig(n_blocks=1, dim=16)


def pairs(outcomes, rows) -> list[tuple[float, bool]]:
    time_months, event = outcomes.survival()
    return sorted(zip(time_months[rows].tolist(), event[rows].tolist(), strict=True))


def test_within_sites_every_outcome_stays_in_its_site() -> None:
    study = make_study(Task.SURVIVAL)
    strata = site_strata(SITES)
    assert strata is not None
    dealt = permuted(study.outcomes, splits=study.splits, seed=3, strata=strata)
    moved = permuted(study.outcomes, splits=study.splits, seed=3)
    assert not np.array_equal(dealt.survival()[0], study.outcomes.survival()[0])
    rows_of = defaultdict(list)
    for row, site in enumerate(SITES):
        rows_of[site].append(row)
    for rows in rows_of.values():
        assert pairs(dealt, rows) == pairs(study.outcomes, rows)
    assert any(pairs(moved, rows) != pairs(study.outcomes, rows) for rows in rows_of.values())


def test_where_sites_say_nothing_there_is_no_dealing_within_them() -> None:
    assert site_strata([]) is None
    assert site_strata([None] * 5) is None
    assert site_strata(["a"] * 5) is None
    assert site_strata(["a", "b", "c"]) is None
    strata = site_strata(["a", "b", None, "a", None])
    assert strata is not None
    assert len(set(strata.tolist())) == 3


def test_the_cheap_arm_is_refitted_both_ways() -> None:
    study = make_study(Task.SURVIVAL)
    frame = fit_canary(
        teacher="ann",
        study=study,
        config=QUICK,
        permutations=2,
        progress=Quiet,
        sites=SITES,
    )
    assert {name: set(own["permutation"]) for name, own in frame.groupby(DEALING)} == {
        "all_cases": {0, 1},
        "within_sites": {0, 1},
    }
    own = frame[frame[DEALING] == Dealing.WITHIN_SITES]
    outcomes = canary_outcomes(own, outcomes=study.outcomes, splits=study.splits, sites=SITES)
    strata = site_strata(SITES)
    again = study.permuted(1, strata=strata).outcomes
    assert np.array_equal(outcomes[1].survival()[0], again.survival()[0])
    plain = fit_canary(teacher="ann", study=study, config=QUICK, permutations=2, progress=Quiet)
    assert set(plain[DEALING]) == {"all_cases"}


@pytest.mark.parametrize(
    ("name", "reads"),
    [
        ("fusion_student_v1", (TEACHERS, None)),
        ("fusion_student_v2", (TEACHERS, None)),
        ("concat_abmil", (TEACHERS, ("high",))),
        ("logit_prod", (TEACHERS, ("high",))),
        ("mean_pool.bob", (("bob",), ("high",))),
        ("abmil.bob", (("bob",), ("high",))),
        ("clam_sb.bob", (("bob",), ("high",))),
        ("trans_mil.bob", (("bob",), ("high",))),
    ],
)
def test_every_arm_that_can_be_registered_is_refitted_by_its_name(
    name: str, reads: tuple[tuple[str, ...], tuple[str, ...] | None]
) -> None:
    arm = NamedArm(name, QUICK.model_copy(update={"max_epochs": 1}), STUDENT, 10.0)
    assert arm.reads(TEACHERS) == reads
    told, seen = [], []

    def fit(study: Study, execution: Execution) -> ArmResult:
        seen.append(study.outcomes.survival()[0])
        own = tuple(teacher for teacher in make_teachers() if teacher.name in reads[0])
        return arm.fit(study, teachers=own, execution=execution)

    @contextmanager
    def execution(number: int) -> Iterator[Execution]:
        told.append(number)
        yield Execution()

    study = make_study(Task.SURVIVAL)
    frame = refit_permuted(fit, study=study, permutations=2, execution=execution, progress=Quiet)
    assert set(frame["arm"]) == {name}
    assert told == [0, 1]
    assert set(frame["permutation"]) == {0, 1}
    outcomes = canary_outcomes(frame, outcomes=study.outcomes, splits=study.splits)
    assert all(np.array_equal(outcomes[n].survival()[0], seen[n]) for n in told)


@pytest.mark.parametrize("name", ["late_ensemble", "clinical", "abmil", "abmil.", "x.ann"])
def test_what_is_no_model_cannot_be_refitted(name: str) -> None:
    with pytest.raises(ConfigError, match="no arm that can be fitted"):
        NamedArm(name, QUICK, STUDENT, 10.0).reads(TEACHERS)
