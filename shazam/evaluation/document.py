"""The report's twin: all that the report shows, as JSON that it can be made from again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import yaml
from pydantic import Field, NonNegativeInt

from shazam.config.retraining import NewCriteria
from shazam.config.tree import Config
from shazam.contracts import CheckedContract
from shazam.digest import digest_of
from shazam.evaluation.result import EvaluationResult
from shazam.explanations import Explanations
from shazam.manifests import Entry, QuarantineEntry, Sha256, TeacherIdentity


class RunKey(Entry):
    """What a run's folder is named by: the digest of this.

    ``frozen`` is what was frozen before, with the criteria that were frozen earlier.
    """

    feature_set: str
    splits: str
    predictions: tuple[str, ...]
    probe: str
    explanations: str
    contracts: tuple[str, ...] = ()
    drift: str | None = None
    config: str
    frozen: str | None = None


class Asked(Entry):
    """The resolved config as a reader sees it, and its digest."""

    text: str
    sha256: str = Sha256
    clinical_columns: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: Config) -> Asked:
        """Return what a config asks."""
        return cls(
            text=as_yaml(config.model_dump(mode="json")),
            sha256=digest_of(config),
            clinical_columns=tuple(config.cohort.clinical_columns),
        )


class PartSummary(Entry):
    """One part of a fold; ``n_events`` is None for other tasks than survival."""

    name: str
    n_cases: NonNegativeInt
    n_events: NonNegativeInt | None
    n_sites: NonNegativeInt


class FoldParts(Entry):
    """The parts of one fold: train, validation, test."""

    fold: NonNegativeInt
    parts: tuple[PartSummary, ...]


class ExcludedCase(Entry):
    """A case that came in and was not judged; ``reasons`` are those of its slides, sorted."""

    case_id: str
    reasons: tuple[str, ...]


class ReportContext(Entry):
    """What the report shows beside the evaluation.

    Args:
        title: name of the run, such as the cohort's name.
        asked: the resolved config, shown whole.
        quarantine: every slide that was set aside, in all stages.
        teachers: the frozen encoders.
        folds: cases, events and sites in each part of each fold.
        excluded: cases that were not judged, and why.
        explanations: what the candidate looks at; None where nobody asked.
        contracts: the contracts that the tables of the run kept, with their warnings.
        lacking: for each teacher that lacks cases how many.
        impute: whether missing values of features were filled in.
        new_criteria: by which criteria the version before was judged, and why these are others.
        contact_sheet: name of the picture of all slides beside the page, if there is one.
        digests: pairs of a name and a SHA-256, such as ("feature set", "ab12...").
        versions: pairs of a package and its version.
    """

    title: str
    asked: Asked
    quarantine: tuple[QuarantineEntry, ...]
    teachers: tuple[TeacherIdentity, ...]
    folds: tuple[FoldParts, ...] = ()
    excluded: tuple[ExcludedCase, ...] = ()
    explanations: Explanations | None = None
    contracts: tuple[CheckedContract, ...] = ()
    lacking: dict[str, int] = Field(default_factory=dict)
    impute: bool = False
    new_criteria: NewCriteria | None = None
    contact_sheet: str | None = None
    digests: tuple[tuple[str, str], ...] = ()
    versions: tuple[tuple[str, str], ...] = ()


class ReportDocument(Entry):
    """All that a report shows. Equal documents give equal pages."""

    format: Literal["shazam-report-1"] = "shazam-report-1"
    key: RunKey
    result: EvaluationResult
    context: ReportContext


def as_yaml(values: Mapping[str, Any]) -> str:
    """Return plain data as YAML, in its own order."""
    text: str = yaml.safe_dump(dict(values), sort_keys=False, allow_unicode=True, width=72)
    return text
