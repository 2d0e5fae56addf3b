"""Everything that a verdict is made of, as values; under pseudonyms it is the evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import pandas as pd

from shazam.cohort.folds import Fold, Splits
from shazam.cohort.model import Case, Cohort, Slide
from shazam.cohort.seen import Seen
from shazam.config.acceptance import AcceptanceConfig
from shazam.config.evaluation import EvaluationConfig
from shazam.config.splits import Scheme
from shazam.errors import ConfigError
from shazam.evaluation.drift_result import Drift
from shazam.evaluation.earlier import EarlierFreeze
from shazam.evaluation.evaluate import evaluate
from shazam.evaluation.power import Power
from shazam.evaluation.probe import ProbeResult
from shazam.evaluation.procedure import ScoredChampion
from shazam.evaluation.result import EvaluationResult
from shazam.manifests import TeacherIdentity
from shazam.promotion.evidence.pseudonyms import Pseudonyms

_ORDER = ["seed", "fold", "part", "case_id"]
_KEPT_TEXTS = ("arm", "part")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What :func:`~shazam.evaluation.evaluate.evaluate` takes; see there."""

    predictions: Mapping[str, pd.DataFrame]
    cohort: Cohort
    splits: Splits
    teachers: tuple[TeacherIdentity, ...]
    probe: ProbeResult
    acceptance: AcceptanceConfig
    config: EvaluationConfig
    power: Power | None = None
    champion: ScoredChampion | None = None
    earlier: tuple[EarlierFreeze, ...] = ()
    drift: Drift | None = None

    def beside(self, champion: ScoredChampion) -> Inputs:
        """Return the same with a champion to compare to."""
        return replace(self, champion=champion)

    def evaluated(self) -> EvaluationResult:
        """Return the verdict.

        Raises:
            ShazamError: as of :func:`~shazam.evaluation.evaluate.evaluate`.
        """
        return evaluate(
            self.predictions,
            cohort=self.cohort,
            splits=self.splits,
            teachers=self.teachers,
            probe=self.probe,
            acceptance=self.acceptance,
            config=self.config,
            power=self.power,
            champion=self.champion,
            earlier=self.earlier,
            drift=self.drift,
        )

    def under(self, pseudonyms: Pseudonyms) -> Inputs:
        """Return the same without names, in the order of the pseudonyms.

        Cases that were excluded, notes on how the table was read, and the size of slides, by which
        a published one is known, are left out; no number is made of them.

        Raises:
            ConfigError: two cases have names that a reader takes for one.
        """
        _check_apart((case.case_id for case in self.cohort.cases), pseudonyms=pseudonyms)
        name = pseudonyms.case
        champion = self.champion
        if champion is not None:
            champion = replace(
                champion,
                table=None if champion.table is None else _table(champion.table, name),
                trained_on=seen_under(champion.trained_on, pseudonyms=pseudonyms),
            )
        return replace(
            self,
            predictions={arm: _table(frame, name) for arm, frame in self.predictions.items()},
            cohort=_cohort(self.cohort, pseudonyms=pseudonyms),
            splits=_splits(self.splits, pseudonyms=pseudonyms),
            champion=champion,
        )


def seen_under(seen: Seen, *, pseudonyms: Pseudonyms) -> Seen:
    """Return what a model has seen without names."""
    return replace(
        seen,
        case_ids=frozenset(map(pseudonyms.case, seen.case_ids)),
        slides_sha256=frozenset(map(pseudonyms.content, seen.slides_sha256)),
    )


def _check_apart(names: Iterable[str], *, pseudonyms: Pseudonyms) -> None:
    spellings: dict[str, set[str]] = {}
    for name in names:
        spellings.setdefault(pseudonyms.case(name), set()).add(name)
    if alike := sorted(sorted(found) for found in spellings.values() if len(found) > 1):
        shown = "; ".join(", ".join(f"'{name}'" for name in found) for found in alike[:5])
        raise ConfigError(
            f"cases whose names differ only in letter case or white space: {shown}; write them "
            "alike in the cohort table if they are one, else make them differ in more"
        )


def _table(frame: pd.DataFrame, name: Callable[[str], str]) -> pd.DataFrame:
    """Return a predictions table without names and remarks, sorted by what is left."""
    texts = [
        column
        for column in frame.columns
        if not pd.api.types.is_numeric_dtype(frame[column])
        and column not in (*_KEPT_TEXTS, "case_id")
    ]
    other = {own: name(own) for own in frame["case_id"].unique()}
    named = frame.drop(columns=texts).assign(case_id=frame["case_id"].map(other))
    return named.sort_values(_ORDER, ignore_index=True)


def _cohort(cohort: Cohort, *, pseudonyms: Pseudonyms) -> Cohort:
    return replace(
        cohort,
        cases=tuple(_case(case, pseudonyms=pseudonyms) for case in cohort.cases),
        slides=tuple(_slide(slide, pseudonyms=pseudonyms) for slide in cohort.slides),
        excluded=(),
        notes=(),
    )


def _case(case: Case, *, pseudonyms: Pseudonyms) -> Case:
    group = None if case.group is None else pseudonyms.case(case.group)
    return replace(case, case_id=pseudonyms.case(case.case_id), group=group, endpoints=())


def _slide(slide: Slide, *, pseudonyms: Pseudonyms) -> Slide:
    return Slide(
        slide_id=pseudonyms.slide(slide.slide_id),
        case_id=pseudonyms.case(slide.case_id),
        path="",
        size_bytes=min(slide.size_bytes, 1),
        sha256=pseudonyms.content(slide.sha256),
    )


def _splits(splits: Splits, *, pseudonyms: Pseudonyms) -> Splits:
    """Return folds without names; notes on split files list cases, so their digests are kept."""
    named = splits.scheme is Scheme.FILES
    notes = (f"a note of the run's report: {pseudonyms.text(note)}" for note in splits.notes)
    return splits.model_copy(
        update={
            "folds": tuple(_fold(fold, pseudonyms=pseudonyms) for fold in splits.folds),
            "notes": tuple(notes) if named else splits.notes,
        }
    )


def _fold(fold: Fold, *, pseudonyms: Pseudonyms) -> Fold:
    parts = {part: tuple(sorted(map(pseudonyms.case, names))) for part, names in fold.parts.items()}
    return fold.model_copy(update=parts)
