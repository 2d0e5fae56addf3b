"""Calibration of class probabilities: are the sure ones right as often as they say?"""

from __future__ import annotations

import numpy as np
from pydantic import NonNegativeInt

from shazam.config.cohort import Task
from shazam.evaluation.interval import Interval, interval_of
from shazam.evaluation.metrics import chosen_class
from shazam.evaluation.out_of_fold import OutOfFold
from shazam.evaluation.pairs import Array, ratio_or_nan
from shazam.evaluation.truth import Truth
from shazam.manifests import Entry

_N_BINS = 10


class ConfidencePoint(Entry):
    """Cases whose greatest probability is alike: its mean, and the share of them that is right."""

    n_cases: NonNegativeInt
    confidence: float
    accuracy: Interval


class ClassCalibration(Entry):
    """The expected calibration error of the most probable class, over 10 bins (Guo et al. 2017).

    ``lower`` and ``upper`` are its 95 % interval; None where no draw gave it. Chance alone makes
    the error greater than 0, and greater in draws than in the sample: the interval may lie above
    the value.
    """

    arm: str
    error: float
    lower: float | None
    upper: float | None
    points: tuple[ConfidencePoint, ...]


def class_calibration(scored: OutOfFold, *, truth: Truth, counts: Array) -> ClassCalibration | None:
    """Return the calibration of an arm; None for other tasks, or where one is no number.

    Args:
        scored: the arm's out-of-fold probabilities.
        truth: the labels.
        counts: bootstrap counts float64 ``[n_replicates, n_cases]``.
    """
    if truth.task is not Task.CLASSIFICATION or not np.isfinite(scored.scores).all():
        return None
    confidence = scored.scores.max(axis=1)
    right = (chosen_class(scored.scores) == truth.labels).astype(np.float64)
    number = np.clip(np.ceil(confidence * _N_BINS).astype(np.int64) - 1, 0, _N_BINS - 1)
    in_bin = np.eye(_N_BINS)[number]
    drawn = np.vstack([np.ones((1, len(right))), counts])
    gaps = drawn @ (in_bin * (confidence - right)[:, None])
    errors = np.abs(gaps).sum(axis=1) / drawn.sum(axis=1)
    error = interval_of(float(errors[0]), replicates=errors[1:])
    shares = ratio_or_nan(drawn @ (in_bin * right[:, None]), drawn @ in_bin)
    points = []
    for index in np.unique(number):
        accuracy = interval_of(float(shares[0, index]), replicates=shares[1:, index])
        own = number == index
        if accuracy is not None:
            points.append(
                ConfidencePoint(
                    n_cases=int(own.sum()),
                    confidence=float(confidence[own].mean()),
                    accuracy=accuracy,
                )
            )
    if error is None:
        return None
    return ClassCalibration(
        arm=scored.arm,
        error=error.value,
        lower=error.lower,
        upper=error.upper,
        points=tuple(points),
    )
