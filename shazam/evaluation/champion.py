"""The candidate against the model in use, on cases that neither was trained on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shazam.cohort.model import Cohort
from shazam.cohort.seen import Seen, check_unseen
from shazam.config.acceptance import ChampionKind
from shazam.config.cohort import Task
from shazam.errors import ArtifactError, ConfigError
from shazam.evaluation.bootstrap import (
    Draws,
    bootstrap_counts,
    difference_draws,
    percentile_interval,
)
from shazam.evaluation.metrics import (
    Metric,
    balanced_accuracy,
    harrell_c,
    metrics_of,
    observed,
    primary_metric,
)
from shazam.evaluation.pairs import Array
from shazam.evaluation.result import ChampionComparison
from shazam.evaluation.truth import Truth


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


def compare_to_champion(
    candidate: Contender,
    *,
    champion: Contender,
    truth: Truth,
    cohort: Cohort,
    kind: ChampionKind,
    n_replicates: int,
    seed: int,
    candidate_told: bool = True,
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
        candidate_told: whether a candidate that was fitted on other folds of the tested cases is
            told from guessing; if not, its part of the difference is widened.

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
    drawn = [Draws(mine, metrics[0](counts)), Draws(theirs, metrics[1](counts))]
    # the champion saw none of these cases, so none of them trains what scores another
    differences = difference_draws(*drawn, first_told=candidate_told, second_told=True)
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
        widened=not candidate_told,
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
