"""Arms scored and compared on the same cases and the same bootstrap draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np

from shazam.errors import ConfigError
from shazam.evaluation.bootstrap import (
    Draws,
    difference_draws,
    holm,
    lower_without_signal,
    percentile_interval,
    two_sided_p,
    widened,
    widened_draws,
)
from shazam.evaluation.interval import Interval, interval_of
from shazam.evaluation.metrics import metrics_of, observed, primary_metric, range_of
from shazam.evaluation.out_of_fold import OutOfFold
from shazam.evaluation.pairs import Array
from shazam.evaluation.result import (
    ArmEvaluation,
    Difference,
    FoldValue,
    MetricValue,
    PairDifference,
    SeedValue,
)
from shazam.evaluation.truth import Truth


def score_arm(
    scored: OutOfFold, *, truth: Truth, counts: Array, chance: float
) -> tuple[ArmEvaluation, Array]:
    """Return an arm's metrics with intervals, and the replicates of its primary metric.

    Args:
        scored: the arm's out-of-fold predictions.
        truth: the outcomes.
        counts: bootstrap counts float64 ``[n_replicates, n_cases]``.
        chance: what guessing gives by the primary metric.

    Raises:
        ConfigError: no two tested cases can be compared.
    """
    n_cases = len(truth.case_ids)
    metrics = metrics_of(scored.scores, truth=truth)
    primary = primary_metric(truth)
    replicates = {name: metric(counts) for name, metric in metrics.items()}
    values = {name: observed(metric, n_cases=n_cases) for name, metric in metrics.items()}
    sound = bool(np.isfinite(scored.scores).all())
    for name, value in values.items():
        if (sound or name == primary) and not _is_known(value, replicates[name]):
            raise ConfigError(
                f"{name} cannot be computed of {scored.arm}: no two tested cases can be compared"
            )
    in_fold = (truth.fold[None, :] == np.arange(truth.n_folds)[:, None]).astype(np.float64)
    per_fold = [float(value) for value in metrics[primary](in_fold)]
    per_seed = [
        observed(metrics_of(scores, truth=truth)[primary], n_cases=n_cases)
        for scores in scored.by_seed
    ]
    told = is_told(values[primary], replicates=replicates[primary], chance=chance)
    evaluated = ArmEvaluation(
        arm=scored.arm,
        metrics=tuple(
            metric_of(name, values[name], replicates=replicates[name], told=told)
            for name in metrics
        ),
        widened=not told,
        folds=tuple(
            FoldValue(fold=number, value=value if np.isfinite(value) else None)
            for number, value in enumerate(per_fold)
        ),
        seeds=tuple(
            SeedValue(seed=seed, value=value)
            for seed, value in zip(scored.seeds, per_seed, strict=True)
        ),
        n_not_finite=scored.n_not_finite,
        constant_folds=scored.constant_folds,
    )
    return evaluated, replicates[primary]


def _is_known(value: float, replicates: Array) -> bool:
    return bool(np.isfinite(value) and np.isfinite(replicates).any())


def metric_of(name: str, value: float, *, replicates: Array, told: bool) -> MetricValue:
    """Return a metric with its interval, widened for an arm that is not told from guessing.

    Args:
        name: of the metric.
        value: NaN where it has none.
        replicates: float64 ``[n_replicates]``.
        told: whether the arm is told from guessing.
    """
    if not _is_known(value, replicates):
        return MetricValue(name=name, value=None, lower=None, upper=None)
    ends = percentile_interval(replicates)
    if not told:
        least, most = range_of(name)
        lower, upper = widened(value, ends)
        ends = max(lower, least), min(upper, most)
    return MetricValue(name=name, value=value, lower=ends[0], upper=ends[1])


def with_sites(
    evaluated: ArmEvaluation, *, scored: OutOfFold, truth: Truth, counts: Array | None
) -> tuple[ArmEvaluation, Array | None]:
    """Return an arm with the interval of its primary metric over draws of sites, and these.

    Args:
        evaluated: the arm.
        scored: its out-of-fold predictions.
        truth: the outcomes.
        counts: of :func:`~shazam.evaluation.bootstrap.site_counts`; None where there are too few.
    """
    if counts is None:
        return evaluated, None
    replicates = metrics_of(scored.scores, truth=truth)[primary_metric(truth)](counts)
    value = evaluated.primary.value
    drawn = replicates
    if evaluated.widened:
        drawn = np.clip(widened_draws(Draws(value, replicates)), *range_of(evaluated.primary.name))
    by_site = interval_of(value, replicates=drawn)
    return evaluated.model_copy(update={"primary_by_site": by_site}), replicates


def is_told(value: float, *, replicates: Array, chance: float) -> bool:
    """Tell whether an arm is told from guessing, by the bound that the floor's gate uses.

    Args:
        value: its primary metric.
        replicates: of it, float64 ``[n_replicates]``.
        chance: what guessing gives by it.
    """
    if not _is_known(value, replicates):
        return False
    return lower_without_signal(value, percentile_interval(replicates)[0]) > chance


def paired_differences(
    arms: Sequence[ArmEvaluation],
    *,
    replicates: Mapping[str, Array],
    candidate: str,
    by_site: Mapping[str, Array] | None = None,
) -> tuple[Difference, ...]:
    """Return candidate minus every other arm on the primary metric, draw by draw.

    A difference with an arm that is not told from guessing is widened.

    Args:
        arms: all arms.
        replicates: of each arm's primary metric, float64 ``[n_replicates]``, on the same draws.
        candidate: the named candidate.
        by_site: the same on draws of whole sites; None or empty where there are too few.
    """
    pairs = [(candidate, arm.arm) for arm in arms if arm.arm != candidate]
    compared = _compared(arms, replicates=replicates, pairs=pairs, by_site=by_site)
    return tuple(
        Difference(arm=second, **found) for (_, second), found in zip(pairs, compared, strict=True)
    )


def asked_differences(
    arms: Sequence[ArmEvaluation],
    *,
    replicates: Mapping[str, Array],
    pairs: Sequence[tuple[str, str]],
    by_site: Mapping[str, Array] | None = None,
) -> tuple[PairDifference, ...]:
    """Return the differences of pairs of arms that the config asks for, adjusted together.

    Args:
        arms: all arms.
        replicates: of each arm, as of :func:`paired_differences`.
        pairs: the first minus the second.
        by_site: the same on draws of whole sites.

    Raises:
        ConfigError: an arm of a pair was not run, or is compared to itself.
    """
    known = [arm.arm for arm in arms]
    for pair in pairs:
        if unknown := [name for name in pair if name not in known]:
            raise ConfigError(
                f"evaluation.pairs names {', '.join(unknown)}, but the arms are: {', '.join(known)}"
            )
        if pair[0] == pair[1]:
            raise ConfigError(f"evaluation.pairs: {pair[0]} cannot be compared to itself")
    compared = _compared(arms, replicates=replicates, pairs=pairs, by_site=by_site)
    return tuple(
        PairDifference(first=first, second=second, **found)
        for (first, second), found in zip(pairs, compared, strict=True)
    )


class _Found(TypedDict):
    value: float
    lower: float
    upper: float
    p_value: float
    p_holm: float
    by_site: Interval | None
    widened: bool


def _compared(
    arms: Sequence[ArmEvaluation],
    *,
    replicates: Mapping[str, Array],
    pairs: Sequence[tuple[str, str]],
    by_site: Mapping[str, Array] | None,
) -> list[_Found]:
    value_of = {arm.arm: arm.primary.value for arm in arms}
    told = {arm.arm: not arm.widened for arm in arms}

    def draws_of(drawn: Mapping[str, Array], first: str, second: str) -> Array:
        return difference_draws(
            Draws(value_of[first], drawn[first]),
            Draws(value_of[second], drawn[second]),
            first_told=told[first],
            second_told=told[second],
        )

    paired = [draws_of(replicates, *pair) for pair in pairs]
    p_values = [two_sided_p(difference) for difference in paired]
    found: list[_Found] = []
    for (first, second), difference, p_value, p_holm in zip(
        pairs, paired, p_values, holm(p_values), strict=True
    ):
        value = value_of[first] - value_of[second]
        lower, upper = percentile_interval(difference)
        clustered = None
        if by_site:
            clustered = interval_of(value, replicates=draws_of(by_site, first, second))
        found.append(
            _Found(
                value=value,
                lower=lower,
                upper=upper,
                p_value=p_value,
                p_holm=p_holm,
                by_site=clustered,
                widened=not (told[first] and told[second]),
            )
        )
    return found
