"""What surrounds an evaluation: who stands where, who was left out, what it was made with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from importlib.metadata import version

from shazam.cohort import Splits
from shazam.cohort.model import Case, Cohort
from shazam.config.cohort import Task
from shazam.config.imports import MissingValues
from shazam.config.tree import Config
from shazam.contracts import Contracts
from shazam.evaluation.document import (
    Asked,
    ExcludedCase,
    FoldParts,
    PartSummary,
    ReportContext,
    RunKey,
)
from shazam.explanations import Explanations
from shazam.manifests import FeatureSetManifest, QuarantineEntry

CONTACT_SHEET = "contact_sheet.jpg"
_PACKAGES = (
    "shazam",
    "torch",
    "timm",
    "openslide-bin",
    "openslide-python",
    "scikit-learn",
    "scikit-survival",
    "numpy",
)


def context_of(
    manifest: FeatureSetManifest,
    *,
    cohort: Cohort,
    splits: Splits,
    explanations: Explanations,
    contracts: Sequence[Contracts] = (),
    key: RunKey,
    config: Config,
) -> ReportContext:
    """Return what the report of a run shows beside the evaluation.

    Args:
        manifest: the feature set that was judged on.
        cohort: all cases and slides that came in.
        splits: the folds of the cases that went on.
        explanations: what the candidate looks at.
        contracts: what the steps held their tables against.
        key: digests of what the run was made of.
        config: what was asked.
    """
    data = ((f"{item.path} (DVC, MD5)", item.md5) for item in manifest.versions)
    return ReportContext(
        title=config.cohort.name,
        asked=Asked.of(config),
        quarantine=manifest.quarantine,
        teachers=manifest.teachers,
        folds=fold_parts(cohort, splits=splits),
        excluded=excluded_with_reasons(cohort, splits=splits, quarantine=manifest.quarantine),
        explanations=explanations,
        contracts=tuple(own for step in contracts for own in step.checked),
        lacking=manifest.lacking(),
        impute=manifest.missing_values is MissingValues.IMPUTE,
        new_criteria=config.retraining.new_criteria,
        contact_sheet=None if manifest.contact_sheet is None else CONTACT_SHEET,
        digests=(
            ("feature set", key.feature_set),
            ("probe", key.probe),
            ("explanations", key.explanations),
            *data,
        ),
        versions=tuple((name, version(name)) for name in _PACKAGES),
    )


def fold_parts(cohort: Cohort, *, splits: Splits) -> tuple[FoldParts, ...]:
    """Return cases, events and sites of each part of each fold."""
    return tuple(
        FoldParts(
            fold=number,
            parts=tuple(
                _part(name, cohort.select(case_ids), task=cohort.task)
                for name, case_ids in fold.parts.items()
            ),
        )
        for number, fold in enumerate(splits.folds)
    )


def excluded_with_reasons(
    cohort: Cohort, *, splits: Splits, quarantine: Sequence[QuarantineEntry]
) -> tuple[ExcludedCase, ...]:
    """Return the cases that came in and are not tested, with the reasons of their slides."""
    tested = {case_id for fold in splits.folds for case_id in fold.test}
    case_of = {slide.slide_id: slide.case_id for slide in cohort.slides}
    reasons: dict[str, set[str]] = defaultdict(set)
    for entry in quarantine:
        reasons[case_of.get(entry.slide_id, entry.slide_id)].add(entry.reason)
    return tuple(
        ExcludedCase(case_id=case.case_id, reasons=tuple(sorted(reasons[case.case_id])))
        for case in cohort.cases
        if case.case_id not in tested
    )


def _part(name: str, cases: Sequence[Case], *, task: Task) -> PartSummary:
    survival = task is Task.SURVIVAL
    return PartSummary(
        name=name,
        n_cases=len(cases),
        n_events=sum(case.event is True for case in cases) if survival else None,
        n_sites=len({case.site for case in cases if case.site is not None}),
    )
