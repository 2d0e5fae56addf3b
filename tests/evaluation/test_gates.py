"""Gates: each fails for its own reason, and none passes for want of what it judges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from shazam.config.acceptance import AcceptanceConfig, CalibrationRule, CandidateCanary, Comparison
from shazam.config.licences import KNOWN_LICENCES, IntendedUse, Term
from shazam.digest import canonical_json
from shazam.evaluation.asked_gates import CalibrationFound, calibration_gates, subgroup_gates
from shazam.evaluation.gates import difference_gate, floor_gate, licences_gate
from shazam.evaluation.obligations import obligations_of
from shazam.evaluation.probe import ProbeResult
from shazam.evaluation.probe_gates import canary_gates, detectable_leak
from shazam.evaluation.result import ArmEvaluation, Difference, Gate, MetricValue
from shazam.evaluation.wording import gate_label
from shazam.teachers.catalogue import shipped_catalogue
from tests.evaluation import made

NAN = float("nan")


@dataclass(frozen=True)
class Group:
    column: str
    group: str
    n_cases: int
    value: float | None


def arm(lower: float) -> ArmEvaluation:
    metric = MetricValue(name="harrell_c", value=lower + 0.1, lower=lower, upper=lower + 0.2)
    return ArmEvaluation(
        arm="a", metrics=(metric,), folds=(), seeds=(), n_not_finite=0, constant_folds=()
    )


def difference(lower: float) -> Difference:
    return Difference(
        arm="b", value=lower + 0.1, lower=lower, upper=lower + 0.2, p_value=1, p_holm=1
    )


def judged(lower: float, *, comparison: Comparison, margin: float, floor: float = 0.6) -> Gate:
    acceptance = AcceptanceConfig(comparison=comparison, margin=margin)
    above = floor_gate(arm(floor), acceptance=acceptance, chance=0.5)
    return difference_gate(difference(lower), floor=above, acceptance=acceptance)


@pytest.mark.parametrize(
    ("comparison", "margin", "lower", "passed"),
    [
        (Comparison.NON_INFERIOR, 0.05, -0.04, True),
        (Comparison.NON_INFERIOR, 0.05, -0.05, False),
        (Comparison.NON_INFERIOR, 0.0, 0.01, True),
        (Comparison.SUPERIOR, 0.0, 0.01, True),
        (Comparison.SUPERIOR, 0.0, 0.0, False),
        (Comparison.SUPERIOR, 0.02, 0.01, False),
    ],
)
def test_the_interval_must_lie_above_what_the_comparison_asks(
    comparison: Comparison, margin: float, lower: float, passed: bool
) -> None:
    gate = judged(lower, comparison=comparison, margin=margin)
    assert gate.passed is passed
    assert gate.name == ("superiority" if comparison is Comparison.SUPERIOR else "non_inferiority")


def test_non_inferiority_counts_with_the_floor_only() -> None:
    assert not judged(0.1, comparison=Comparison.NON_INFERIOR, margin=0.05, floor=0.4).passed


@pytest.mark.parametrize(
    ("floor", "chance", "lower", "required", "passed"),
    [
        (0.3, 0.5, 0.4, 0.5, False),
        (0.0, 0.5, 0.5, 0.5, False),
        (0.0, 0.5, 0.55, 0.5, True),
        (0.6, 0.5, 0.62, 0.6, False),
        (0.1, 1 / 3, 0.3, 1 / 3, False),
        (0.0, 0.0, 0.0, 0.0, False),
        (0.0, 0.0, 0.05, 0.0, True),
    ],
)
def test_a_floor_below_guessing_counts_as_guessing(
    floor: float, chance: float, lower: float, required: float, passed: bool
) -> None:
    acceptance = AcceptanceConfig(floor=floor)
    gate = floor_gate(arm(lower), acceptance=acceptance, chance=chance)
    assert (gate.passed, gate.required) == (passed, required)
    assert ("below what guessing gives" in gate.explanation) is (floor < chance)


@pytest.mark.parametrize("margin", [0.0, 0.05, 0.9])
def test_a_null_candidate_is_not_inferior_by_no_margin_and_no_floor(margin: float) -> None:
    acceptance = AcceptanceConfig(floor=0.0, margin=margin)
    floor = floor_gate(arm(0.45), acceptance=acceptance, chance=0.5)
    gate = difference_gate(difference(0.01), floor=floor, acceptance=acceptance)
    assert not gate.passed
    assert "counts only together with the floor" in gate.explanation


RULE = CalibrationRule(
    slope_min=0.8,
    slope_max=1.25,
    max_calibration_in_the_large=0.05,
    d_calibration_min_p=0.05,
    max_calibration_error=0.1,
)


@pytest.mark.parametrize(
    ("found", "passed"),
    [
        (CalibrationFound(1.0, 0.5, 0.05, 0.0), [True, True, True, True]),
        (CalibrationFound(0.79, 0.049, 0.11, 0.051), [False, False, False, False]),
        (CalibrationFound(1.26, 0.05, 0.1, -0.05), [False, True, True, True]),
        (CalibrationFound(1.0, 0.5, 0.05, -0.051), [True, False, True, True]),
        (CalibrationFound(NAN, NAN, NAN, NAN), [False, False, False, False]),
        (CalibrationFound(1.0), [True, False, False, False]),
        (None, [False, False, False, False]),
    ],
)
def test_calibration_is_judged_where_it_is_asked_for(
    found: CalibrationFound | None, passed: list[bool]
) -> None:
    gates = calibration_gates(found, acceptance=AcceptanceConfig(calibration=RULE))
    assert [gate.name for gate in gates] == [
        "calibration_slope",
        "calibration_in_the_large",
        "d_calibration",
        "calibration_error",
    ]
    assert [gate.passed for gate in gates] == passed
    for gate in gates:
        assert (gate.observed is not None) or "could not be computed" in gate.explanation
        assert gate_label(gate.name) != gate.name
    assert calibration_gates(found, acceptance=AcceptanceConfig()) == ()


def test_every_subgroup_must_reach_its_floor() -> None:
    groups = [
        Group("sex", "female", 40, 0.62),
        Group("sex", "male", 30, 0.49),
        Group("stage", "iv", 5, None),
        Group("site", "x", 20, 0.7),
        Group("site", "y", 3, None),
    ]
    floors = {"sex": 0.5, "stage": 0.5, "scanner": 0.5, "site": 0.5}
    acceptance = AcceptanceConfig(subgroup_floors=floors)
    scanner, sex, site, stage = subgroup_gates(groups, acceptance=acceptance)
    assert (sex.passed, sex.observed) == (False, 0.49)
    assert "male (n = 30): 0.490" in sex.explanation
    assert "female" not in sex.explanation
    assert (stage.passed, stage.observed) == (False, None)
    assert "too few cases in iv" in stage.explanation
    assert not scanner.passed
    assert "no case is known by it" in scanner.explanation
    assert site.passed
    assert "Too few cases to judge: y" in site.explanation
    assert gate_label(site.name) == "Good enough in every subgroup by site"
    lower = AcceptanceConfig(subgroup_floors={"sex": 0.49})
    assert subgroup_gates(groups, acceptance=lower)[0].passed


def licences(use: IntendedUse, *names: str, **more: object) -> Gate:
    teachers = [made.teacher(f"t{n}", licence=name) for n, name in enumerate(names)]
    acceptance = AcceptanceConfig.model_validate(
        {"intended_use": use, "accepted_licences": sorted(set(names)), **more}
    )
    obligations = obligations_of(teachers, acceptance=acceptance)
    return licences_gate(teachers, obligations=obligations, acceptance=acceptance)


def test_obligations_are_the_union_over_the_teachers() -> None:
    teachers = [
        made.teacher("a", licence="MIT"),
        made.teacher("b", licence="CC-BY-NC-ND-4.0"),
        made.teacher("c", licence="CC-BY-SA-4.0"),
    ]
    found = {one.term: one.teachers for one in obligations_of(teachers, acceptance=made.ACCEPTANCE)}
    assert found == {
        Term.ATTRIBUTION: ("a", "b", "c"),
        Term.SHARE_ALIKE: ("c",),
        Term.NON_COMMERCIAL: ("b",),
        Term.NO_DERIVATIVES: ("b",),
    }


@pytest.mark.parametrize("use", [IntendedUse.CLINICAL, IntendedUse.COMMERCIAL])
def test_one_forbidding_teacher_is_enough_though_its_licence_is_listed(use: IntendedUse) -> None:
    gate = licences(use, "MIT", "CC-BY-NC-4.0")
    assert not gate.passed
    assert "no commercial use (t1)" in gate.explanation
    assert licences(IntendedUse.RESEARCH, "MIT", "CC-BY-NC-4.0").passed
    assert licences(use, "MIT", "Apache-2.0").passed
    assert not licences(use, "MIT", "Apache-2.0 (research-use text)").passed


def test_terms_that_nobody_knows_are_no_permission() -> None:
    assert not licences(IntendedUse.CLINICAL, "Ours").passed
    assert licences(IntendedUse.RESEARCH, "Ours").passed
    assert licences(IntendedUse.CLINICAL, "Ours", licence_terms={"Ours": ["gated"]}).passed
    told = licences(IntendedUse.CLINICAL, "Ours", licence_terms={"Ours": ["research_only"]})
    assert not told.passed


def test_without_teachers_no_licence_is_fine() -> None:
    assert not licences(IntendedUse.RESEARCH).passed


def test_the_terms_of_every_catalogued_licence_are_known() -> None:
    assert {entry.licence for entry in shipped_catalogue().entries.values()} <= set(KNOWN_LICENCES)


def test_a_verdict_is_json() -> None:
    gate = judged(0.1, comparison=Comparison.SUPERIOR, margin=0.05)
    assert Gate.model_validate_json(canonical_json(gate)) == gate


def probed(**of_candidate: object) -> ProbeResult:
    probe = made.probe_result()
    assert probe.canary is not None
    own = {"arm": "fusion_student_v2", "values": (0.45, 0.55, 0.5), "mean": 0.5, "sd": 0.05}
    candidate = probe.canary.model_copy(update={**own, **of_candidate})
    return probe.model_copy(update={"canary_candidate": candidate})


def canaries(probe: ProbeResult) -> dict[str, Gate]:
    return {gate.name: gate for gate in canary_gates(probe, acceptance=AcceptanceConfig())}


def test_the_candidate_has_a_canary_of_its_own() -> None:
    fine = canaries(probed())
    assert all(gate.passed for gate in fine.values())
    assert set(fine) == {"canary", "canary_candidate"}
    leaky = canaries(probed(mean=0.7, values=(0.69, 0.7, 0.71), sd=0.01))
    assert leaky["canary"].passed
    assert not leaky["canary_candidate"].passed


def test_the_spread_of_few_refits_is_not_below_that_of_the_cheap_arm() -> None:
    close = canaries(probed(mean=0.51, values=(0.509, 0.51, 0.511), sd=0.001))
    gate = close["canary_candidate"]
    assert gate.passed
    assert gate.required == pytest.approx(3 * 0.05 / 3**0.5)
    many = canaries(probed(mean=0.51, values=(0.509, 0.511) * 5, sd=0.001))
    assert many["canary_candidate"].required == pytest.approx(3 * 0.001 / 10**0.5)
    assert not many["canary_candidate"].passed


def test_a_canary_that_was_left_out_is_said() -> None:
    without = made.probe_result().model_copy(update={"canary_candidate": None})
    required = canaries(without)
    assert required["canary"].passed
    assert not required["canary_candidate"].passed
    assert "arms.canary_candidate_permutations" in required["canary_candidate"].explanation
    left_out = AcceptanceConfig(candidate_canary=CandidateCanary.LEFT_OUT)
    (gate,) = canary_gates(without, acceptance=left_out)
    assert gate.passed
    assert "the acceptance file leaves its canary out" in gate.explanation
    leaky = probed(mean=0.7, values=(0.69, 0.7, 0.71), sd=0.01)
    assert not canary_gates(leaky, acceptance=left_out)[1].passed
    assert not any(gate.passed for gate in canaries(ProbeResult()).values())
    assert canaries(probed().model_copy(update={"canary": None}))["canary_candidate"].passed
    (alone,) = canary_gates(ProbeResult(), acceptance=left_out)
    assert not alone.passed


def test_a_leak_of_the_told_size_is_found_four_times_in_five() -> None:
    probe = made.probe_result()
    assert probe.canary is not None
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(400):
        noise = rng.normal(scale=probe.canary.sd, size=5)
        spread = noise.std(ddof=1)
        leak = detectable_leak(
            sd=max(probe.canary.sd, spread), n_permutations=5, max_standard_errors=3
        )
        values = 0.5 + noise + leak
        own = {"values": tuple(values), "mean": values.mean(), "sd": spread}
        gate = canaries(probed(**own))["canary_candidate"]
        assert f"A leak that moves it by {leak:.3f} would be found" in gate.explanation
        found += not gate.passed
    assert 0.77 < found / 400 < 0.9
    assert detectable_leak(sd=1.0, n_permutations=5, max_standard_errors=3) == pytest.approx(
        1.718, abs=1e-3
    )


def test_a_canary_of_another_arm_or_without_any_spread_fails() -> None:
    assert not canaries(probed(arm="abmil.lite0"))["canary_candidate"].passed
    still = canaries(probed(values=(0.5, 0.5, 0.5), mean=0.5, sd=0.0))
    assert not still["canary_candidate"].passed
    assert "same value" in still["canary_candidate"].explanation
