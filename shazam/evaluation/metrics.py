"""Metrics as functions of how often each case is counted, so that a bootstrap is a product.

Every metric takes ``counts`` float64 ``[n_replicates, n_cases]`` and gives float64
``[n_replicates]``. Counts of 1 give the metric itself, 0 and 1 a fold's, and bootstrap counts the
replicates. A prediction that is not finite earns no credit.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from shazam.config.cohort import Task
from shazam.evaluation.agreement import MeanOver, correlations, squared_errors
from shazam.evaluation.censoring import follow_up_months, inverse_weights
from shazam.evaluation.pairs import Array, PairBlock, PairMean, ratio_or_nan
from shazam.evaluation.truth import Truth

Metric = Callable[[Array], Array]


def metrics_of(scores: Array, *, truth: Truth) -> dict[str, Metric]:
    """Return the metrics of a task by name, the primary one first.

    Args:
        scores: float64 ``[n_cases, n_scores]``: the risk (higher = higher risk), one probability
            per class, or one value per target.
        truth: the outcomes in the same order.
    """
    match truth.task:
        case Task.SURVIVAL:
            risk = scores[:, 0]
            return {"harrell_c": harrell_c(risk, truth=truth), "uno_c": uno_c(risk, truth=truth)}
        case Task.CLASSIFICATION:
            return {
                "balanced_accuracy": balanced_accuracy(scores, truth=truth),
                "macro_auroc": macro_auroc(scores, truth=truth),
                "weighted_f1": weighted_f1(scores, truth=truth),
            }
        case Task.REGRESSION:
            return _agreement(scores, truth=truth)


def primary_metric(truth: Truth) -> str:
    """Return the name of the metric that the gates judge."""
    match truth.task:
        case Task.SURVIVAL:
            return "harrell_c"
        case Task.CLASSIFICATION:
            return "balanced_accuracy"
        case Task.REGRESSION:
            return "mean_pearson"


def chance_of(task: Task, *, n_classes: int) -> float:
    """Return the most that guessing gives by the primary metric.

    Balanced accuracy is the mean over the classes that tested cases have, so calling every case
    one of these reaches one in their number, however many more classes are known.

    Args:
        task: what is predicted.
        n_classes: number of classes that tested cases have; 0 but for classification.
    """
    match task:
        case Task.SURVIVAL:
            return 0.5
        case Task.CLASSIFICATION:
            return 1 / n_classes
        case Task.REGRESSION:
            return 0.0


def observed(metric: Metric, *, n_cases: int) -> float:
    """Return a metric with every case counted once."""
    return float(metric(np.ones((1, n_cases)))[0])


def harrell_c(risk: Array, *, truth: Truth) -> Metric:
    """Return Harrell's C within folds, averaged by comparable pairs.

    A pair is comparable when the earlier time is an event, or both times are equal and one is an
    event; equal risks count half (Harrell et al., Statistics in Medicine 1996).

    Args:
        risk: float64 ``[n_cases]``, higher = higher risk.
        truth: times, events and folds.
    """
    return PairMean(tuple(_block(risk, truth=truth, number=n) for n in range(truth.n_folds)))


def uno_c(risk: Array, *, truth: Truth) -> Metric:
    """Return Uno's C within folds, averaged by comparable pairs.

    Pairs are weighted by ``1 / G(t)^2``, G being the Kaplan-Meier estimate of the censoring
    distribution on the cases that the fold does not test; pairs from
    :func:`~shazam.evaluation.censoring.follow_up_months` on are left out (Uno et al., Statistics
    in Medicine 2011).
    """
    horizon_months = follow_up_months(truth)
    blocks = []
    for number in range(truth.n_folds):
        block = _block(risk, truth=truth, number=number)
        weight = inverse_weights(truth, number=number, before_months=horizon_months)
        blocks.append(block.weighted(weight**2))
    return PairMean(tuple(blocks))


def balanced_accuracy(scores: Array, *, truth: Truth) -> Metric:
    """Return the mean over the classes of their recall; absent classes are left out."""
    chosen = chosen_class(scores)
    of_class = np.eye(len(truth.classes))[truth.labels]
    right = of_class * (chosen == truth.labels)[:, None]

    def metric(counts: Array) -> Array:
        return _mean_known(ratio_or_nan(counts @ right, counts @ of_class))

    return metric


def weighted_f1(scores: Array, *, truth: Truth) -> Metric:
    """Return the F1 score of each class, averaged by the number of its cases."""
    chosen = chosen_class(scores)
    of_class = np.eye(len(truth.classes))[truth.labels]
    given = np.where((chosen >= 0)[:, None], np.eye(len(truth.classes))[chosen], 0.0)

    def metric(counts: Array) -> Array:
        n_of_class = counts @ of_class
        f1 = ratio_or_nan(2 * (counts @ (of_class * given)), n_of_class + counts @ given)
        total: Array = (np.nan_to_num(f1) * n_of_class).sum(axis=1) / n_of_class.sum(axis=1)
        return total

    return metric


def macro_auroc(scores: Array, *, truth: Truth) -> Metric:
    """Return the one-against-rest AUROC, within folds averaged by pairs, mean over classes."""
    per_class = [
        PairMean(
            tuple(
                _class_block(scores[:, number], label=number, truth=truth, fold=fold)
                for fold in range(truth.n_folds)
            )
        )
        for number in range(len(truth.classes))
    ]

    def metric(counts: Array) -> Array:
        return _mean_known(np.stack([area(counts) for area in per_class], axis=1))

    return metric


def chosen_class(scores: Array) -> NDArray[np.int64]:
    """Return the most probable class of each case, int64 ``[n_cases]``; -1 if not finite."""
    finite = np.isfinite(scores).all(axis=1)
    return np.where(finite, np.argmax(np.nan_to_num(scores), axis=1), -1).astype(np.int64)


def _block(risk: Array, *, truth: Truth, number: int) -> PairBlock:
    rows = truth.fold_rows(number)
    time_months, event = truth.time_months[rows], truth.event[rows]
    later = time_months[:, None] < time_months[None, :]
    outlived = (time_months[:, None] == time_months[None, :]) & ~event[None, :]
    return PairBlock.of(rows, comparable=event[:, None] & (later | outlived), score=risk[rows])


def _class_block(probability: Array, *, label: int, truth: Truth, fold: int) -> PairBlock:
    rows = truth.fold_rows(fold)
    of_class = truth.labels[rows] == label
    comparable = of_class[:, None] & ~of_class[None, :]
    return PairBlock.of(rows, comparable=comparable, score=probability[rows])


def _agreement(scores: Array, *, truth: Truth) -> dict[str, Metric]:
    pearson = correlations(scores, truth=truth)
    relative = squared_errors(scores, truth=truth, standardised=True)
    plain = squared_errors(scores, truth=truth, standardised=False)
    return {
        "mean_pearson": MeanOver(pearson),
        "mean_relative_mse": MeanOver(relative),
        **{f"pearson_{name}": metric for name, metric in zip(truth.targets, pearson, strict=True)},
        **{f"mse_{name}": metric for name, metric in zip(truth.targets, plain, strict=True)},
    }


def _mean_known(values: Array) -> Array:
    known = np.isfinite(values)
    return ratio_or_nan(
        np.where(known, values, 0.0).sum(axis=1), known.sum(axis=1).astype(np.float64)
    )


def range_of(name: str) -> tuple[float, float]:
    """Return the least and the greatest value that a metric can have."""
    if "pearson" in name:
        return -1.0, 1.0
    return 0.0, float("inf") if name.endswith("mse") else 1.0
