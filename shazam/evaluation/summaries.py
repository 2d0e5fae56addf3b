"""What surrounds the metrics: who was tested where, who was left out, what was confused."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from shazam.cohort.folds import Splits
from shazam.cohort.model import Cohort
from shazam.config.cohort import Task
from shazam.config.evaluation import EvaluationConfig
from shazam.evaluation.metrics import chosen_class
from shazam.evaluation.out_of_fold import OutOfFold
from shazam.evaluation.result import Confusion, FoldSummary, FusionWeights, TargetCount
from shazam.evaluation.truth import Truth
from shazam.predictions import weights_of


def excluded_cases(cohort: Cohort, *, truth: Truth) -> tuple[str, ...]:
    """Return the cases that came in and are not tested, sorted."""
    tested = set(truth.case_ids)
    return tuple(case.case_id for case in cohort.cases if case.case_id not in tested)


def fold_summaries(
    cohort: Cohort, *, splits: Splits, config: EvaluationConfig
) -> tuple[FoldSummary, ...]:
    """Return who stands where in each fold; folds with too few events are flagged."""
    summaries = []
    for number, fold in enumerate(splits.folds):
        tested = cohort.select(fold.test)
        survival = cohort.task is Task.SURVIVAL
        n_events = sum(case.event is True for case in tested) if survival else None
        labels = [case.label for case in tested]
        counted = len(tested) if n_events is None else n_events
        summaries.append(
            FoldSummary(
                fold=number,
                n_train=len(fold.train),
                n_validation=len(fold.validation),
                n_test=len(fold.test),
                n_test_events=n_events,
                test_classes=tuple((name, labels.count(name)) for name in cohort.classes),
                test_sites=tuple(sorted({case.site for case in tested if case.site is not None})),
                flagged=counted < config.min_events_per_fold,
            )
        )
    return tuple(summaries)


def target_counts(truth: Truth) -> tuple[TargetCount, ...]:
    """Return how many tested cases have a measured value of each target."""
    measured = (~np.isnan(truth.values)).sum(axis=0)
    return tuple(
        TargetCount(target=name, n_measured=int(count))
        for name, count in zip(truth.targets, measured, strict=True)
    )


def fusion_weights(predictions: Mapping[str, pd.DataFrame]) -> tuple[FusionWeights, ...]:
    """Return what the arms count in each fusion that has learnt or equal weights."""
    found: list[FusionWeights] = []
    for arm in sorted(predictions):
        columns = weights_of(predictions[arm])
        units = predictions[arm][["fold", "seed", *columns.values()]].drop_duplicates()
        units = units.sort_values(["seed", "fold", *columns.values()])
        if columns:
            found += [_weights(arm, row, columns=columns) for row in units.to_dict("records")]
    return tuple(found)


def confusion_of(scored: OutOfFold, *, truth: Truth) -> Confusion:
    """Return how often each class was called which, among the test cases."""
    chosen = chosen_class(scored.scores)
    n_classes = len(truth.classes)
    counts = tuple(
        tuple(int(((truth.labels == i) & (chosen == j)).sum()) for j in range(n_classes))
        for i in range(n_classes)
    )
    return Confusion(classes=truth.classes, counts=counts)


def _weights(arm: str, row: Mapping[Hashable, Any], *, columns: Mapping[str, str]) -> FusionWeights:
    return FusionWeights(
        arm=arm,
        fold=row["fold"],
        seed=row["seed"],
        parts=tuple(columns),
        weights=tuple(row[column] for column in columns.values()),
    )
