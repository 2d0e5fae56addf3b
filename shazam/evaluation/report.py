"""The report: one self-contained HTML page for the person who answers for the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from shazam.config.cohort import Task
from shazam.evaluation.attended import Pixels, shown_cases
from shazam.evaluation.document import ReportContext, as_yaml
from shazam.evaluation.drawing import Picture
from shazam.evaluation.earlier import earlier_sentence
from shazam.evaluation.figures import forest, gate_weights, survival_curves
from shazam.evaluation.gates import required_floor
from shazam.evaluation.metrics import chance_of
from shazam.evaluation.pages import template_of
from shazam.evaluation.result import EvaluationResult
from shazam.evaluation.survival_figures import auc_over_time, calibration_curve, confidence_curve

_NO_PIXELS: Pixels = MappingProxyType({})


def render_report(
    result: EvaluationResult, *, context: ReportContext, pixels: Pixels = _NO_PIXELS
) -> str:
    """Return the report as one HTML page without scripts, links to the net, or dates.

    Args:
        result: what the evaluation found.
        context: what surrounds it.
        pixels: bytes of the pictures that the context's explanations name, by SHA-256.
    """
    template = template_of("report.html.j2")
    shown = shown_cases(context.explanations, pixels=pixels)
    return template.render(**_values(result, context=context), attended=shown)


def _values(result: EvaluationResult, *, context: ReportContext) -> Mapping[str, Any]:
    chance = _chance_of(result)
    groups = result.risk_groups if result.risk_groups and result.risk_groups.groups else None
    of_targets = {f"{kind}_{row.target}" for row in result.targets for kind in ("pearson", "mse")}
    named = [metric.name for metric in result.candidate_arm.metrics]
    return {
        "result": result,
        "context": context,
        "survival": result.task is Task.SURVIVAL,
        "regression": result.task is Task.REGRESSION,
        "overview": [name for name in named if name not in of_targets],
        "chance": chance,
        "arms": sorted(result.arms, key=lambda arm: (-arm.primary.value, arm.arm)),
        "by_site": any(
            arm.primary_by_site is not None and arm.primary_by_site.lower is not None
            for arm in result.arms
        ),
        "difference_of": {difference.arm: difference for difference in result.differences},
        "failed": [gate for gate in result.gates if not gate.passed],
        "flagged": [fold.fold for fold in result.folds if fold.flagged],
        "n_quarantined": len({entry.slide_id for entry in context.quarantine}),
        "reasons": sorted(Counter(entry.reason for entry in context.quarantine).items()),
        "forest": forest(
            result.arms,
            candidate=result.candidate,
            chance=chance,
            floor=required_floor(result.acceptance, chance=chance),
        ),
        "curves": groups and survival_curves(groups),
        "n_without_risk": _n_without_risk(result),
        **_found_beside(result),
        "gate_picture": _gate_picture(context),
        "acceptance_text": as_yaml(result.acceptance.model_dump(mode="json")),
    }


def _chance_of(result: EvaluationResult) -> float:
    n_known = len(result.confusion.classes) if result.confusion else 0
    return chance_of(result.task, n_classes=result.n_tested_classes or n_known)


def _n_without_risk(result: EvaluationResult) -> int:
    if result.risk_groups is None:
        return 0
    return result.n_cases - sum(group.n_cases for group in result.risk_groups.groups)


def _gate_picture(context: ReportContext) -> Picture | None:
    found = context.explanations
    return gate_weights(found) if found is not None and found.gates else None


def _found_beside(result: EvaluationResult) -> Mapping[str, Any]:
    """Return what an evaluation may have found beyond the ranks, with its pictures."""
    findings = result.survival
    calibration = result.calibration
    own = None if findings is None else findings.arm(result.candidate).calibration
    return {
        "findings": findings,
        "auc_picture": findings and auc_over_time(findings.arms, candidate=result.candidate),
        "calibration_picture": own and calibration_curve(own, arm=result.candidate),
        "calibration": calibration,
        "confidence_picture": calibration and confidence_curve(calibration),
        "subgroups": result.subgroups,
        "obligations": result.obligations,
        "pairs": result.pairs,
        "power": result.power,
        "earlier": earlier_sentence(result.earlier_freezes),
    }
