"""Registered models scored on a locked cohort, and compared."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from shazam.cohort.model import Cohort
from shazam.config.acceptance import ChampionKind
from shazam.config.evaluation import EvaluationConfig
from shazam.errors import ArtifactError, ConfigError
from shazam.evaluation.bootstrap import percentile_interval
from shazam.evaluation.champion import Contender, compare_to_champion
from shazam.evaluation.measured import MeasuredModel
from shazam.evaluation.metrics import metrics_of, observed
from shazam.evaluation.out_of_fold import score_columns_of
from shazam.evaluation.pairs import Array
from shazam.evaluation.registered import Registered, Scores
from shazam.evaluation.result import ChampionFound, MetricValue
from shazam.evaluation.truth import Truth


def scores_of(scores: Scores, *, truth: Truth, model: str) -> Array:
    """Let a model predict; returns float64 ``[n_cases, n_scores]`` in the order of the truth.

    Raises:
        ArtifactError: it predicts NaN or infinity.
    """
    table = scores.predict(truth.case_ids)
    ordered = table.set_index("case_id").loc[list(truth.case_ids), score_columns_of(truth)]
    values: Array = ordered.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all():
        raise ArtifactError(f"the {model} predicts NaN or infinity")
    return values


def measured_model(
    model: Registered, scores: Array, *, truth: Truth, counts: Array
) -> MeasuredModel:
    """Return a model's metrics with their intervals.

    Args:
        model: which one.
        scores: of :func:`scores_of`.
        truth: the outcomes, as one fold.
        counts: bootstrap counts float64 ``[n_replicates, n_cases]``.
    """
    metrics: list[MetricValue] = []
    absent: list[str] = []
    for name, metric in metrics_of(scores, truth=truth).items():
        value, replicates = observed(metric, n_cases=len(truth.case_ids)), metric(counts)
        if not np.isfinite(value) or not np.isfinite(replicates).any():
            absent.append(name)
            continue
        lower, upper = percentile_interval(replicates)
        metrics.append(MetricValue(name=name, value=value, lower=lower, upper=upper))
    return MeasuredModel(
        bundle_sha256=model.bundle_sha256,
        arm=model.scores.arm,
        metrics=tuple(metrics),
        not_computed=tuple(absent),
    )


def compared_models(
    models: Mapping[str, Registered],
    scores: Mapping[str, Array],
    *,
    truth: Truth,
    cohort: Cohort,
    config: EvaluationConfig,
) -> ChampionFound | None:
    """Compare ``release`` and ``champion``, paired; None where there is no champion."""
    if "champion" not in models:
        return None
    contenders = {name: Contender(scores[name], (model.seen,)) for name, model in models.items()}
    sha256 = models["champion"].bundle_sha256
    try:
        compared = compare_to_champion(
            contenders["release"],
            champion=contenders["champion"],
            truth=truth,
            cohort=cohort,
            kind=ChampionKind.LOCKED,
            n_replicates=config.bootstrap,
            seed=config.seed,
        )
    except (ArtifactError, ConfigError) as error:
        return ChampionFound(bundle_sha256=sha256, why_not=str(error))
    return ChampionFound(bundle_sha256=sha256, comparison=compared)
