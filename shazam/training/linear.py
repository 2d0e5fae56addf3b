"""Ridge models on a few features of a case, solved and not descended to."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from shazam.config.cohort import Task
from shazam.config.training import TrainingConfig
from shazam.training.outcomes import Outcomes

_MAX_ITERATIONS = 1000

FloatArray = npt.NDArray[np.float64]


def fit_linear(
    features: FloatArray, *, outcomes: Outcomes, rows: npt.NDArray[np.int64], config: TrainingConfig
) -> tuple[FloatArray, FloatArray]:
    """Fit a ridge Cox model, or a logistic one for classes.

    Without features all outputs are 0: cases are then not told apart.

    Args:
        features: float64 ``[n_rows, n_features]`` of these rows.
        outcomes: of all cases.
        rows: the training cases.
        config: strength of the penalty.

    Returns:
        Weights float64 ``[n_outputs, n_features]`` and bias ``[n_outputs]``, with one output for
        a log hazard ratio or one logit per class.
    """
    survival = outcomes.task is Task.SURVIVAL
    if features.shape[1] == 0:
        n_outputs = 1 if survival else len(outcomes.classes)
        return np.zeros((n_outputs, 0)), np.zeros(n_outputs)
    if survival:
        time_months, event = outcomes.survival()
        return _cox(features, time_months[rows], event[rows], config=config)
    return _logistic(features, outcomes.class_labels()[rows], config=config)


def _cox(
    features: FloatArray,
    time_months: FloatArray,
    event: npt.NDArray[np.bool_],
    *,
    config: TrainingConfig,
) -> tuple[FloatArray, FloatArray]:
    model = CoxPHSurvivalAnalysis(alpha=config.ridge)
    model.fit(features, Surv.from_arrays(event=event, time=time_months))
    return model.coef_[None, :], np.zeros(1)


def _logistic(
    features: FloatArray, labels: npt.NDArray[np.int64], *, config: TrainingConfig
) -> tuple[FloatArray, FloatArray]:
    model = LogisticRegression(C=1.0 / config.ridge, max_iter=_MAX_ITERATIONS).fit(features, labels)
    if len(model.classes_) > 2:
        return model.coef_, model.intercept_
    # two classes have one logit; half of it with either sign gives the same probabilities
    half = np.array([-0.5, 0.5])
    return half[:, None] * model.coef_, half * model.intercept_
