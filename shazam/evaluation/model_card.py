"""The model card: what a registered model is, for whom, and how good, as Hugging Face reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shazam.config.cohort import Task
from shazam.evaluation.document import ReportDocument, as_yaml
from shazam.evaluation.pages import template_of
from shazam.evaluation.result import EvaluationResult
from shazam.evaluation.tripod import checklist
from shazam.evaluation.wording import metric_label
from shazam.manifests import TeacherIdentity

_HUB_LICENCES = frozenset({"apache-2.0", "mit", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-nc-nd-4.0"})
_PREDICTS = {
    Task.SURVIVAL: "a risk; higher means an earlier event",
    Task.CLASSIFICATION: "a probability for each class",
    Task.REGRESSION: "a value for each target",
}
_AVERAGED = {
    Task.SURVIVAL: "risks are standardised by each member's inner validation, then averaged",
    Task.CLASSIFICATION: "probabilities are averaged",
    Task.REGRESSION: "values are averaged",
}


def render_card(document: ReportDocument) -> str:
    """Return the card: YAML front matter and markdown, without dates.

    Args:
        document: what the report shows.
    """
    result, context = document.result, document.context
    return template_of("model_card.md.j2").render(
        front_matter=as_yaml(_front_matter(document)),
        title=f"{context.title}: {result.candidate}",
        result=result,
        context=context,
        primary=result.candidate_arm.primary,
        survival=result.task is Task.SURVIVAL,
        failed=[gate for gate in result.gates if not gate.passed],
        arms=sorted(result.arms, key=lambda arm: (-arm.primary.value, arm.arm)),
        difference_of={difference.arm: difference for difference in result.differences},
        used=_used(result, context.teachers),
        predicts=_PREDICTS[result.task],
        averaged=_AVERAGED[result.task],
        n_quarantined=len({entry.slide_id for entry in context.quarantine}),
        items=checklist(document),
    )


def _front_matter(document: ReportDocument) -> Mapping[str, Any]:
    result, title = document.result, document.context.title
    metrics = [
        {"type": metric.name, "value": round(metric.value, 4), "name": metric_label(metric.name)}
        for metric in result.candidate_arm.metrics
        if metric.value is not None
    ]
    return {
        **_licence(_used(result, document.context.teachers)),
        "library_name": "shazam",
        "tags": ["pathology", "whole-slide-imaging", "distillation", result.task.value],
        "metrics": [result.primary_metric],
        "model-index": [
            {
                "name": f"{title}.{result.candidate}",
                "results": [
                    {
                        "task": {"type": result.task.value},
                        "dataset": {
                            "type": title,
                            "name": f"{title}, out-of-fold",
                            "revision": result.cohort_sha256,
                        },
                        "metrics": metrics,
                    }
                ],
            }
        ],
    }


def _licence(teachers: Sequence[TeacherIdentity]) -> Mapping[str, str]:
    licences = sorted({teacher.licence for teacher in teachers})
    if len(licences) == 1 and licences[0].lower() in _HUB_LICENCES:
        return {"license": licences[0].lower()}
    return {"license": "other", "license_name": " and ".join(licences) or "unknown"}


def _used(
    result: EvaluationResult, teachers: Sequence[TeacherIdentity]
) -> tuple[TeacherIdentity, ...]:
    """Return the teacher that an arm is named after; else all, without mere references."""
    _, dot, name = result.candidate.partition(".")
    if dot and (own := tuple(teacher for teacher in teachers if teacher.name == name)):
        return own
    return tuple(teacher for teacher in teachers if teacher.name in result.teachers)
