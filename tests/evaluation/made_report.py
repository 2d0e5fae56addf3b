"""What surrounds an evaluation in tests of the report."""

from __future__ import annotations

from functools import cache

from shazam.config.cohort import CohortConfig
from shazam.config.extraction import ExtractionConfig
from shazam.config.tree import Config
from shazam.evaluation.document import Asked, ReportContext, ReportDocument, RunKey
from shazam.explanations import Explanations, GateWeight
from shazam.manifests import QuarantineEntry
from tests.evaluation import made


def context(*, title: str = "demo") -> ReportContext:
    config = Config(
        cohort=CohortConfig(name="demo"),
        extraction=ExtractionConfig(teachers=("lite0", "lite1")),
        acceptance=made.ACCEPTANCE,
    )
    quarantine = tuple(
        QuarantineEntry(
            slide_id=f"broken-{reason}",
            slide_sha256="d" * 64,
            stage="validate",
            error="SlideError",
            reason=reason,
            message=f"broken-{reason}.tiff: what went wrong, and what to do next",
        )
        for reason in ("no_resolution", "no_tissue", "unreadable")
    )
    return ReportContext(
        title=title,
        asked=Asked.of(config),
        quarantine=quarantine,
        teachers=(made.teacher(), made.teacher("lite1")),
        digests=(("feature set", "e" * 64),),
        versions=(("shazam", "0.1.0"), ("torch", "2.14.1")),
    )


def gates_found(**more: object) -> Explanations:
    gates = tuple(
        GateWeight(fold=fold, level=level, teacher=teacher, mean=mean, sd=0.01, n_cases=24)
        for fold in range(3)
        for level in ("low", "high")
        for teacher, mean in (("lite0", 0.7), ("lite1", 0.3))
    )
    return Explanations(arm="fusion_student_v2", gates=gates, **more)


@cache
def document() -> ReportDocument:
    """Return what the report of a made evaluation shows."""
    key = RunKey(
        feature_set="1" * 64,
        splits="2" * 64,
        predictions=("3" * 64,),
        probe="4" * 64,
        explanations="6" * 64,
        config="5" * 64,
        frozen="7" * 64,
    )
    return ReportDocument(key=key, result=made.survival_result(), context=context())
