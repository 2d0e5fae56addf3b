"""The gate on the site: every evaluation has it, and it never passes for want of a probe."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from pydantic import ValidationError

from shazam.config.splits import SitePolicy, SplitsConfig
from shazam.evaluation.evaluate import evaluate
from shazam.evaluation.probe import ProbeResult, SiteProbe
from shazam.evaluation.result import Gate
from shazam.evaluation.site_gate import site_gate
from tests.evaluation import made

SITES = ["a", "b", "c"] * 8


def probe(**of_teacher: tuple[float, float | None]) -> ProbeResult:
    return ProbeResult(
        sites=tuple(
            SiteProbe(
                teacher=name,
                balanced_accuracy=accuracy,
                chance=1 / 3,
                n_sites=3,
                n_cases=24,
                n_sites_left_out=0,
                p_value=p_value,
            )
            for name, (accuracy, p_value) in of_teacher.items()
        )
    )


def judged(
    found: ProbeResult,
    *,
    bound: float | None = None,
    sites: list[str | None] | list[str] = SITES,
    preserved: bool = False,
    teachers: tuple[str, ...] = ("t",),
) -> Gate:
    gate = site_gate(found, bound=bound, sites=sites, sites_preserved=preserved, teachers=teachers)
    assert gate.name == "site_probe"
    return gate


def test_a_bound_is_kept_or_not_however_the_folds_are_made() -> None:
    found = probe(t=(0.42, 0.001), u=(0.3, 0.9))
    for preserved in (True, False):
        assert not judged(found, bound=0.41, preserved=preserved).passed
        kept = judged(found, bound=0.42, preserved=preserved)
        assert (kept.passed, kept.observed, kept.required) == (True, 0.42, 0.42)
        assert "at most 0.42 is accepted" in kept.explanation


def test_folds_that_share_sites_fail_where_features_tell_the_site() -> None:
    gate = judged(probe(t=(0.8, 0.001)))
    assert (gate.passed, gate.observed, gate.required) == (False, 0.001, 0.05)
    assert "set splits.sites=preserved" in gate.explanation
    assert "acceptance.max_site_balanced_accuracy" in gate.explanation


def test_folds_that_keep_sites_apart_pass_and_say_so() -> None:
    gate = judged(probe(t=(0.8, 0.001)), preserved=True)
    assert (gate.passed, gate.observed) == (True, 0.8)
    assert "No site is tested and fitted on in one fold" in gate.explanation


def test_folds_that_share_sites_pass_where_features_do_not_tell_the_site() -> None:
    gate = judged(probe(t=(0.4, 0.051)))
    assert gate.passed
    assert "no better than guessing" in gate.explanation


@pytest.mark.parametrize(("p_value", "passed"), [(0.026, True), (0.025, False)])
def test_of_several_teachers_none_may_tell_it_and_their_number_counts(
    p_value: float, passed: bool
) -> None:
    found = probe(t=(0.4, 0.5), u=(0.5, p_value))
    gate = judged(found, teachers=("t", "u"))
    assert (gate.passed, gate.required) == (passed, 0.025)
    assert "features of u" in gate.explanation


def test_encoders_that_the_candidate_does_not_read_are_not_judged() -> None:
    found = probe(t=(0.4, 0.5), colour=(0.9, 0.001))
    assert judged(found).passed
    assert not judged(found, teachers=("t", "colour")).passed


@pytest.mark.parametrize(
    ("sites", "told"),
    [
        ([None] * 24, "names no sites"),
        (["a"] * 24, "fewer than two sites"),
        ([f"s{n // 2}" for n in range(24)], "fewer than two sites"),
    ],
)
def test_what_cannot_be_probed_is_said_and_fails_a_bound_alone(
    sites: list[str | None], told: str
) -> None:
    free, bound = judged(ProbeResult(), sites=sites), judged(ProbeResult(), sites=sites, bound=0.9)
    assert (free.passed, bound.passed) == (True, False)
    for gate in (free, bound):
        assert gate.observed is None
        assert told in gate.explanation
        assert "is not known" in gate.explanation


@pytest.mark.parametrize("preserved", [True, False])
@pytest.mark.parametrize("bound", [None, 0.9])
def test_a_probe_that_is_missing_where_there_are_sites_fails(
    preserved: bool, bound: float | None
) -> None:
    gate = judged(ProbeResult(), preserved=preserved, bound=bound)
    assert not gate.passed
    assert "not probed for the site, though 3 sites have enough cases" in gate.explanation
    part = judged(probe(u=(0.3, 0.9)), preserved=preserved, bound=bound)
    assert not part.passed
    assert "features of t were not probed" in part.explanation


def test_a_probe_of_an_earlier_version_does_not_pass_folds_that_share_sites() -> None:
    gate = judged(probe(t=(0.3, 0.9), u=(0.3, None)), teachers=("t", "u"))
    assert not gate.passed
    assert "u has no p-value; run again with --no-cache" in gate.explanation
    assert judged(probe(t=(0.3, None)), preserved=True).passed


def test_a_probe_is_never_nan() -> None:
    with pytest.raises(ValidationError, match="finite"):
        probe(t=(math.nan, 0.5))
    with pytest.raises(ValidationError, match="finite"):
        probe(t=(0.5, math.nan))


@pytest.mark.parametrize("policy", SitePolicy)
def test_the_verdict_of_every_evaluation_has_it(policy: SitePolicy) -> None:
    cohort, signal = made.survival_cohort()
    splits = made.make_splits(
        cohort.cases, task=cohort.task, config=SplitsConfig(n_folds=3, sites=policy)
    )
    tables = {
        arm: made.predictions(arm, signal, cohort=cohort, splits=splits, noise=noise)
        for arm, noise in {"fusion_student_v2": 0.3, "late_ensemble": 0.7}.items()
    }

    def gate_of(found: ProbeResult) -> Gate:
        result = evaluate(
            tables,
            cohort=cohort,
            splits=splits,
            teachers=[made.teacher()],
            probe=found,
            acceptance=made.ACCEPTANCE,
            config=made.CONFIG,
        )
        (gate,) = (gate for gate in result.gates if gate.name == "site_probe")
        assert result.passed is gate.passed
        return gate

    told = made.probe_result()
    assert gate_of(told).passed is (policy is SitePolicy.PRESERVED)
    assert not gate_of(told.model_copy(update={"sites": ()})).passed
    nameless = replace(cohort, cases=tuple(replace(case, site=None) for case in cohort.cases))
    if policy is SitePolicy.IGNORED:
        cohort = nameless
        assert "names no sites" in gate_of(told.model_copy(update={"sites": ()})).explanation
