"""The candidate against the model in use, on cases that neither was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import NonNegativeInt, PositiveInt

from shazam.cohort.model import Cohort
from shazam.config.acceptance import (
    AcceptanceConfig,
    ChampionKind,
    ChampionRule,
    Comparison,
    required_difference,
)
from shazam.config.cohort import Task
from shazam.errors import ArtifactError, ConfigError, LeakError
from shazam.evaluation.bootstrap import bootstrap_counts, percentile_interval
from shazam.evaluation.metrics import (
    Metric,
    balanced_accuracy,
    harrell_c,
    metrics_of,
    observed,
    primary_metric,
)
from shazam.evaluation.pairs import Array
from shazam.evaluation.result import Gate
from shazam.evaluation.truth import Truth
from shazam.evaluation.wording import metric_label
from shazam.manifests import Entry

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model was trained or tested on: cases by name, slides by the digest of their bytes.

    Slides whose features were imported have no digest; they are compared by their case alone.
    """

    case_ids: frozenset[str]
    slides_sha256: frozenset[str]

    @classmethod
    def of(cls, cohort: Cohort, case_ids: Sequence[str]) -> Seen:
        """Return what some cases of a cohort are made of; a tile's patient is a case too."""
        chosen = {case.case_id for case in cohort.cases} & set(case_ids)
        patients = {case.group_id for case in cohort.cases if case.case_id in chosen}
        slides = {
            slide.sha256
            for slide in cohort.slides
            if slide.case_id in chosen | patients and slide.sha256 and slide.size_bytes > 0
        }
        return cls(frozenset(case_ids) | frozenset(patients), frozenset(slides))


@dataclass(frozen=True, slots=True)
class Contender:
    """One of the two models on the tested cases.

    Args:
        scores: float64 ``[n_cases, n_scores]`` in the order of the truth.
        trained_on: for each fold of the truth what the model that scores it was trained on, inner
            validation included; a model that scores all folds stands once.
    """

    scores: Array
    trained_on: tuple[Seen, ...]


class ChampionComparison(Entry):
    """Candidate minus champion on the primary metric, paired.

    ``kind`` says what it measures: the ``procedure`` that made the candidate, or with ``locked``
    the registered models themselves.
    """

    kind: ChampionKind
    metric: str
    n_cases: PositiveInt
    n_events: NonNegativeInt | None
    n_slides_compared: NonNegativeInt
    candidate: float
    champion: float
    difference: float
    lower: float
    upper: float


def check_unseen(tested: Seen, *, trained_on: Seen, model: str) -> None:
    """Refuse tested cases, or slides of equal content, that a model was trained on.

    Raises:
        LeakError: there is one.
    """
    for kind, shared in (
        ("case", tested.case_ids & trained_on.case_ids),
        ("slide content", tested.slides_sha256 & trained_on.slides_sha256),
    ):
        if shared:
            shown = ", ".join(sorted(shared)[:_SHOWN])
            raise LeakError(
                f"the {model} was trained on {len(shared)} tested {kind}(s), such as {shown}; "
                "compare the two models on cases that neither has seen"
            )


def compare_to_champion(
    candidate: Contender,
    *,
    champion: Contender,
    truth: Truth,
    cohort: Cohort,
    kind: ChampionKind,
    n_replicates: int,
    seed: int,
) -> ChampionComparison:
    """Compare two models on the same cases and bootstrap draws, within folds.

    Args:
        candidate: for ``procedure`` with one entry of ``trained_on`` for each fold.
        champion: the model in use.
        truth: outcomes of the tested cases; a locked cohort is one fold.
        cohort: holds the tested cases and their slides.
        kind: what is measured.
        n_replicates: bootstrap draws.
        seed: of the draws.

    Raises:
        LeakError: one of the two was trained on a tested case or on a slide of equal content.
        ArtifactError: scores are of other cases, no number, or all the same.
        ConfigError: no two tested cases can be compared.
    """
    for name, contender in (("candidate", candidate), ("champion", champion)):
        _check_scores(contender.scores, truth=truth, model=name)
        _check_folds(contender, truth=truth, cohort=cohort, model=name)
    folded = replace(truth, fold=np.unique(truth.fold, return_inverse=True)[1].astype(np.int64))
    metrics = [_primary(one.scores, truth=folded) for one in (candidate, champion)]
    mine, theirs = (observed(metric, n_cases=len(truth.case_ids)) for metric in metrics)
    counts = bootstrap_counts(
        folded.fold, groups=truth.groups or None, n_replicates=n_replicates, seed=seed
    )
    differences = metrics[0](counts) - metrics[1](counts)
    if not np.isfinite([mine, theirs]).all() or not np.isfinite(differences).any():
        raise ConfigError("champion: no two tested cases can be compared; test on more cases")
    lower, upper = percentile_interval(differences)
    return ChampionComparison(
        kind=kind,
        metric=primary_metric(truth),
        n_cases=len(truth.case_ids),
        n_events=int(truth.event.sum()) if truth.task is Task.SURVIVAL else None,
        n_slides_compared=len(Seen.of(cohort, truth.case_ids).slides_sha256),
        candidate=mine,
        champion=theirs,
        difference=mine - theirs,
        lower=lower,
        upper=upper,
    )


def champion_gates(
    found: ChampionComparison | None, *, floor: Gate, acceptance: AcceptanceConfig
) -> tuple[Gate, ...]:
    """Ask, where a champion is named, that the candidate holds against it."""
    rule = acceptance.champion
    if rule is None:
        return ()
    required = required_difference(rule.comparison, rule.margin)
    if found is None or found.kind is not rule.kind:
        return (_not_compared(found, rule=rule, required=required),)
    needs_floor = rule.comparison is Comparison.NON_INFERIOR
    text = (
        f"Candidate minus champion on {found.n_cases} cases that neither was trained on "
        f"({found.kind}): {metric_label(found.metric)} {found.difference:+.3f}, and by the 95 % "
        f"interval not below {found.lower:+.3f}; it must lie above {required:+g}."
    )
    if needs_floor and not floor.passed:
        text += " It counts only together with the floor, which failed."
    return (
        Gate(
            name="champion",
            passed=found.lower > required and (floor.passed or not needs_floor),
            observed=found.lower,
            required=required,
            explanation=text,
        ),
    )


def _not_compared(found: ChampionComparison | None, *, rule: ChampionRule, required: float) -> Gate:
    why = "and it was not" if found is None else f"and it was by the {found.kind}"
    return Gate(
        name="champion",
        passed=False,
        observed=None,
        required=required,
        explanation=(
            f"The acceptance file asks for a comparison to the champion ({rule.kind}) on cases "
            f"that neither model was trained on, {why}."
        ),
    )


def _check_scores(scores: Array, *, truth: Truth, model: str) -> None:
    if scores.ndim != 2 or len(scores) != len(truth.case_ids):
        raise ArtifactError(
            f"the {model}'s scores have the shape {scores.shape}; there are "
            f"{len(truth.case_ids)} tested cases"
        )
    if not np.isfinite(scores).all():
        raise ArtifactError(f"the {model} predicts NaN or infinity; nothing can be compared to it")
    if (scores == scores[0]).all():
        raise ArtifactError(f"the {model} predicts the same for every case; it says nothing")


def _check_folds(contender: Contender, *, truth: Truth, cohort: Cohort, model: str) -> None:
    folds = np.unique(truth.fold).tolist()
    if len(contender.trained_on) not in {1, truth.n_folds}:
        raise ConfigError(
            f"the {model} says what {len(contender.trained_on)} model(s) were trained on; there "
            f"are {truth.n_folds} folds"
        )
    if len(contender.trained_on) == 1:
        tested = Seen.of(cohort, truth.case_ids)
        check_unseen(tested, trained_on=contender.trained_on[0], model=model)
        return
    for number in folds:
        names = [truth.case_ids[row] for row in truth.fold_rows(number)]
        check_unseen(Seen.of(cohort, names), trained_on=contender.trained_on[number], model=model)


def _primary(scores: Array, *, truth: Truth) -> Metric:
    match truth.task:
        case Task.SURVIVAL:
            return harrell_c(scores[:, 0], truth=truth)
        case Task.CLASSIFICATION:
            return balanced_accuracy(scores, truth=truth)
        case Task.REGRESSION:
            return metrics_of(scores, truth=truth)[primary_metric(truth)]
