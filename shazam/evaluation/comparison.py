"""Arms scored and compared on the same cases and the same bootstrap draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from shazam.errors import ConfigError
from shazam.evaluation.bootstrap import holm, percentile_interval, two_sided_p
from shazam.evaluation.metrics import metrics_of, observed, primary_metric
from shazam.evaluation.out_of_fold import OutOfFold
from shazam.evaluation.pairs import Array
from shazam.evaluation.result import (
    ArmEvaluation,
    Difference,
    FoldValue,
    MetricValue,
    SeedValue,
)
from shazam.evaluation.truth import Truth


def score_arm(scored: OutOfFold, *, truth: Truth, counts: Array) -> tuple[ArmEvaluation, Array]:
    """Return an arm's metrics with intervals, and the replicates of its primary metric.

    Args:
        scored: the arm's out-of-fold predictions.
        truth: the outcomes.
        counts: bootstrap counts float64 ``[n_replicates, n_cases]``.

    Raises:
        ConfigError: no two tested cases can be compared.
    """
    n_cases = len(truth.case_ids)
    metrics = metrics_of(scored.scores, truth=truth)
    primary = primary_metric(truth)
    replicates = {name: metric(counts) for name, metric in metrics.items()}
    values = {name: observed(metric, n_cases=n_cases) for name, metric in metrics.items()}
    for name, value in values.items():
        if not np.isfinite(value) or not np.isfinite(replicates[name]).any():
            raise ConfigError(
                f"{name} cannot be computed of {scored.arm}: no two tested cases can be compared"
            )
    in_fold = (truth.fold[None, :] == np.arange(truth.n_folds)[:, None]).astype(np.float64)
    per_fold = [float(value) for value in metrics[primary](in_fold)]
    per_seed = [
        observed(metrics_of(scores, truth=truth)[primary], n_cases=n_cases)
        for scores in scored.by_seed
    ]
    evaluated = ArmEvaluation(
        arm=scored.arm,
        metrics=tuple(
            _with_interval(name, values[name], replicates=replicates[name]) for name in metrics
        ),
        folds=tuple(
            FoldValue(fold=number, value=value if np.isfinite(value) else None)
            for number, value in enumerate(per_fold)
        ),
        seeds=tuple(
            SeedValue(seed=seed, value=value)
            for seed, value in zip(scored.seeds, per_seed, strict=True)
        ),
        n_not_finite=scored.n_not_finite,
        constant_folds=scored.constant_folds(truth),
    )
    return evaluated, replicates[primary]


def _with_interval(name: str, value: float, *, replicates: Array) -> MetricValue:
    lower, upper = percentile_interval(replicates)
    return MetricValue(name=name, value=value, lower=lower, upper=upper)


def paired_differences(
    arms: Sequence[ArmEvaluation], *, replicates: Mapping[str, Array], candidate: str
) -> tuple[Difference, ...]:
    """Return candidate minus every other arm on the primary metric, draw by draw.

    Args:
        arms: all arms.
        replicates: of each arm's primary metric, float64 ``[n_replicates]``, on the same draws.
        candidate: the named candidate.
    """
    mine = next(arm for arm in arms if arm.arm == candidate)
    others = [arm for arm in arms if arm.arm != candidate]
    paired = [replicates[candidate] - replicates[arm.arm] for arm in others]
    p_values = [two_sided_p(difference) for difference in paired]
    found = []
    for arm, difference, p_value, p_holm in zip(
        others, paired, p_values, holm(p_values), strict=True
    ):
        lower, upper = percentile_interval(difference)
        found.append(
            Difference(
                arm=arm.arm,
                value=mine.primary.value - arm.primary.value,
                lower=lower,
                upper=upper,
                p_value=p_value,
                p_holm=p_holm,
            )
        )
    return tuple(found)
