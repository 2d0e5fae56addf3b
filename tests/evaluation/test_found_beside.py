"""What an evaluation found beyond ranks is shown where it is there, and its gaps are told."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from shazam.config.acceptance import Comparison
from shazam.config.licences import Term
from shazam.evaluation import report
from shazam.evaluation.obligations import Obligation
from shazam.evaluation.power import Power
from shazam.evaluation.result import PairDifference
from shazam.evaluation.subgroups import Subgroup
from tests.evaluation import made
from tests.evaluation.made_report import context
from tests.evaluation.test_report import Page


def interval(value: float) -> SimpleNamespace:
    return SimpleNamespace(value=value, lower=value - 0.1, upper=value + 0.1)


def arm(name: str, *, curves: bool) -> SimpleNamespace:
    points = tuple(
        SimpleNamespace(n_cases=12, n_events=6, predicted=share, observed=interval(share + 0.05))
        for share in (0.2, 0.5, 0.8)
    )
    calibration = SimpleNamespace(
        months=36.0,
        slope=interval(0.81),
        predicted=interval(0.5),
        observed=interval(0.55),
        points=points,
    )
    areas = tuple(
        SimpleNamespace(months=months, auc=interval(0.7 + months / 1000)) for months in (12.0, 36.0)
    )
    return SimpleNamespace(
        arm=name,
        dynamic_auc=areas,
        hazard_ratio=interval(1.9),
        log_rank_p=0.01,
        brier=SimpleNamespace(score=interval(0.18), minus_reference=interval(-0.02))
        if curves
        else None,
        calibration=calibration if curves else None,
        d_calibration=SimpleNamespace(p_value=0.4321) if curves else None,
        remark=None if curves else "only its ranks are judged",
    )


class Findings(SimpleNamespace):
    def arm(self, name: str) -> Any:
        return next(arm for arm in self.arms if arm.arm == name)


def findings(*, curves: bool = True) -> Findings:
    return Findings(
        horizons_months=(12.0, 36.0),
        horizons_left_out=(SimpleNamespace(months=60.0, reason="3 events are too few"),),
        calibration_months=36.0,
        calibration_left_out=None,
        brier_until_months=48.0,
        kaplan_meier_brier=interval(0.2),
        arms=(arm("fusion_student_v2", curves=curves), arm("late_ensemble", curves=False)),
    )


def page_with(**found: Any) -> str:
    result = made.survival_result().model_copy(update=found)
    return report.render_report(result, context=context())


def test_survival_findings_are_tabled_and_drawn():
    page = page_with(survival=findings())
    alts = [image["alt"] or "" for image in Page(page).images]
    assert "fusion_student_v2 0.712 at 12, 0.736 at 36" in alts[2]
    assert "predicted 0.20, observed 0.25 (12 cases)" in alts[3]
    for part in (
        "Slope 0.810",
        "\u22120.020<br>",
        "AUC, 36 months",
        "Kaplan-Meier curve scores 0.200",
        "0.432",
        "Nothing is said about 60 months: 3 events are too few.",
        "only its ranks are judged",
    ):
        assert part in page, part


def test_a_candidate_that_only_ranks_has_no_calibration():
    page = page_with(survival=findings(curves=False))
    assert "Not shown: only its ranks are judged." in page
    assert len(Page(page).images) == 3


def test_without_findings_the_page_is_whole():
    page = page_with(survival=None, subgroups=(), power=None, obligations=(), pairs=())
    assert "Over time" not in page
    assert "No subgroups were judged" in page


def test_subgroups_are_listed_with_those_that_are_too_small():
    rows = (
        Subgroup(
            column="sex", group="female", n_cases=30, n_events=12, value=0.71, lower=0.6, upper=0.8
        ),
        Subgroup(column="sex", group="male", n_cases=3, n_events=1, remark="3 are too few"),
    )
    page = page_with(subgroups=rows)
    assert re.search(r"female</th><td class=\"n\">30</td>\s.*12</td>\s.*0\.710<br>", page)
    assert re.search(r"male</th>[\s\S]*3 are too few", page)


def test_calibration_of_classes_is_told_and_drawn():
    found = made.class_result().calibration
    assert found is not None
    page = report.render_report(made.class_result(), context=context())
    assert f"{found.arm}: {found.error:.3f} (95 % interval {found.lower:.3f} to" in page
    point = found.points[0]
    told = f"claimed {point.confidence:.2f}, right {point.accuracy.value:.2f}"
    assert sum(told in (image["alt"] or "") for image in Page(page).images) == 1


def test_power_is_told_beside_the_criteria():
    power = Power(
        comparison=Comparison.NON_INFERIOR,
        required_difference=-0.1,
        expected_difference=0.0,
        expected_correlation=0.5,
        metric="harrell_c",
        n_counted=50,
        counted="events",
        standard_error=0.05,
        standard_error_difference=0.05,
        power=0.61,
        wanted_power=0.8,
        n_needed=80,
        source="made",
    )
    page = page_with(power=power)
    assert page.index("power 0.61 to show") < page.index("<h2>Comparison")


def test_obligations_of_licences_are_listed():
    duty = Obligation(
        term=Term.NO_DERIVATIVES, duty="Ask the owner first.", teachers=("uni",), forbids_use=True
    )
    page = page_with(obligations=(duty,))
    assert "no derivatives" in page
    assert re.search(r"uni</td><td><span class=\"no\">no</span>", page)


def test_pairs_that_were_asked_for_are_listed():
    pair = PairDifference(
        first="abmil.lite0",
        second="mean_pool.lite0",
        value=0.021,
        lower=-0.04,
        upper=0.08,
        p_value=0.4,
        p_holm=0.8,
    )
    page = page_with(pairs=(pair,))
    assert re.search(r"abmil\.lite0</th><th scope=\"row\">mean_pool\.lite0</th>.*\+0\.021", page)


def test_widened_arms_and_differences_are_marked_and_the_reason_is_told():
    result = made.survival_result()
    plain = report.render_report(result, context=context())
    assert "widened" not in plain
    assert "Widened: " not in plain
    first, *others = result.differences
    marked = first.model_copy(update={"widened": True})
    arms = [arm.model_copy(update={"widened": arm.arm == first.arm}) for arm in result.arms]
    page = report.render_report(
        result.model_copy(update={"differences": (marked, *others), "arms": tuple(arms)}),
        context=context(),
    )
    assert page.count('<span class="tag">widened</span>') == 2
    assert page.count("Widened: the arm, or one of the two, is not told from guessing.") == 1


def test_every_canary_is_told():
    result = made.survival_result()
    cheap = result.probe.canary
    assert cheap is not None
    own = cheap.model_copy(update={"arm": "fusion_student_v2", "mean": 0.4321})
    within = cheap.model_copy(update={"mean": 0.5432})
    more = {"canary_candidate": own, "canary_within_sites": within}
    page = page_with(probe=result.probe.model_copy(update=more))
    assert "mean 0.432" in page
    assert "reaches 0.543" in page
