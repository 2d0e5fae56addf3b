"""Registered models on a locked cohort: their metrics, and how they compare."""

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
from shazam.evaluation.measured_tables import ScoredModel
from shazam.evaluation.metrics import metrics_of, observed
from shazam.evaluation.pairs import Array
from shazam.evaluation.result import ChampionFound, MetricValue
from shazam.evaluation.truth import Truth


def measured_model(model: ScoredModel, *, truth: Truth, counts: Array) -> MeasuredModel:
    """Return a model's metrics with their intervals.

    The locked cases trained none of its members, so intervals are as drawn, and never widened.

    Args:
        model: with its predictions.
        truth: the outcomes, as one fold.
        counts: bootstrap counts float64 ``[n_replicates, n_cases]``.

    Raises:
        ArtifactError: the predictions are of other cases, or lack columns.
    """
    metrics: list[MetricValue] = []
    absent: list[str] = []
    for name, metric in metrics_of(model.scores(truth).scores, truth=truth).items():
        value, replicates = observed(metric, n_cases=len(truth.case_ids)), metric(counts)
        if not np.isfinite(value) or not np.isfinite(replicates).any():
            absent.append(name)
            continue
        lower, upper = percentile_interval(replicates)
        metrics.append(MetricValue(name=name, value=value, lower=lower, upper=upper))
    return MeasuredModel(
        bundle_sha256=model.bundle_sha256,
        arm=model.arm,
        predictions_sha256=model.table_sha256,
        metrics=tuple(metrics),
        not_computed=tuple(absent),
    )


def compared_models(
    models: Mapping[str, ScoredModel],
    *,
    truth: Truth,
    cohort: Cohort,
    config: EvaluationConfig,
) -> ChampionFound | None:
    """Compare ``release`` and ``champion``, paired; None where there is no champion."""
    if "champion" not in models:
        return None
    contenders = {
        name: Contender(model.scores(truth).scores, (model.seen,)) for name, model in models.items()
    }
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
