"""Ridge models on a few features of a case, solved and not descended to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from shazam.config.cohort import Task
from shazam.config.training import ClassWeights, TrainingConfig
from shazam.models.heads import Head
from shazam.training.outcomes import Outcomes
from shazam.training.scale import value_scale

LINEAR_HEADS = {
    Task.SURVIVAL: Head.LINEAR_RISK,
    Task.CLASSIFICATION: Head.CLASSES,
    Task.REGRESSION: Head.VALUES,
}
_MAX_ITERATIONS = 1000

FloatArray = npt.NDArray[np.float64]


def fit_linear(
    features: FloatArray, *, outcomes: Outcomes, rows: npt.NDArray[np.int64], config: TrainingConfig
) -> tuple[FloatArray, FloatArray]:
    """Fit a ridge Cox model, a logistic one for classes, or a linear one for each target.

    Without features all outputs are 0: cases are then not told apart.

    Args:
        features: float64 ``[n_rows, n_features]`` of these rows.
        outcomes: of all cases.
        rows: the training cases.
        config: strength of the penalty.

    Returns:
        Weights float64 ``[n_outputs, n_features]`` and bias ``[n_outputs]``, with one output for
        a log hazard ratio, one logit per class, or one standardised value per target.
    """
    match outcomes.task:
        case Task.SURVIVAL:
            time_months, event = outcomes.survival()
            return _cox(features, time_months[rows], event[rows], config=config)
        case Task.CLASSIFICATION:
            return _logistic(features, outcomes.class_labels()[rows], config=config)
        case Task.REGRESSION:
            values = value_scale(outcomes, train=rows).standardised(outcomes.target_values())
            return _linear(features, values[rows], config=config)


def _cox(
    features: FloatArray,
    time_months: FloatArray,
    event: npt.NDArray[np.bool_],
    *,
    config: TrainingConfig,
) -> tuple[FloatArray, FloatArray]:
    if features.shape[1] == 0:
        return np.zeros((1, 0)), np.zeros(1)
    model = CoxPHSurvivalAnalysis(alpha=config.ridge)
    model.fit(features, Surv.from_arrays(event=event, time=time_months))
    return model.coef_[None, :], np.zeros(1)


def _logistic(
    features: FloatArray, labels: npt.NDArray[np.int64], *, config: TrainingConfig
) -> tuple[FloatArray, FloatArray]:
    if features.shape[1] == 0:
        n_classes = int(labels.max()) + 1
        return np.zeros((n_classes, 0)), np.zeros(n_classes)
    weights = None if config.class_weights is ClassWeights.NONE else config.class_weights.value
    model = LogisticRegression(
        C=1.0 / config.ridge, class_weight=weights, max_iter=_MAX_ITERATIONS
    ).fit(features, labels)
    if len(model.classes_) > 2:
        return model.coef_, model.intercept_
    # two classes have one logit; half of it with either sign gives the same probabilities
    half = np.array([-0.5, 0.5])
    return half[:, None] * model.coef_, half * model.intercept_


def _linear(
    features: FloatArray, values: FloatArray, *, config: TrainingConfig
) -> tuple[FloatArray, FloatArray]:
    """Fit each target on the cases where it was measured."""
    weight, bias = np.zeros((values.shape[1], features.shape[1])), np.zeros(values.shape[1])
    for number, column in enumerate(values.T):
        known = ~np.isnan(column)
        centre, bias[number] = features[known].mean(axis=0), column[known].mean()
        x, y = features[known] - centre, column[known] - bias[number]
        weight[number] = np.linalg.solve(x.T @ x + config.ridge * np.eye(x.shape[1]), x.T @ y)
        bias[number] -= weight[number] @ centre
    return weight, bias
