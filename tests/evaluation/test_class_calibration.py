"""The expected calibration error, by hand and of probabilities that are right."""

from __future__ import annotations

import numpy as np
import pytest

from shazam.evaluation.class_calibration import ClassCalibration, class_calibration
from shazam.evaluation.out_of_fold import OutOfFold
from tests.evaluation.test_metrics import class_truth


def found(scores: np.ndarray, labels: np.ndarray) -> ClassCalibration | None:
    n_cases = len(labels)
    share = np.full(n_cases, 1 / n_cases)
    counts = np.random.default_rng(0).multinomial(n_cases, share, size=100).astype(float)
    scored = OutOfFold("a", (0,), scores[None], np.zeros(1), 0)
    return class_calibration(scored, truth=class_truth(labels), counts=counts)


def test_the_error_of_a_hand_computed_case() -> None:
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.65, 0.25], [0.95, 0.05, 0.0], [1.0, 0.0, 0.0]])
    calibration = found(scores, np.array([0, 0, 0, 1]))
    assert calibration is not None
    # (0.6, 0.7]: 0.675 said, 1/2 right; (0.9, 1]: 0.975 said, 1/2 right
    assert calibration.error == pytest.approx(0.5 * 0.175 + 0.5 * 0.475)
    assert [point.n_cases for point in calibration.points] == [2, 2]
    assert [point.confidence for point in calibration.points] == pytest.approx([0.675, 0.975])
    assert [point.accuracy.value for point in calibration.points] == [0.5, 0.5]


def test_probabilities_that_are_right_err_less_than_those_that_are_too_sure() -> None:
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(3), size=2000)
    labels = np.array([rng.choice(3, p=own) for own in scores])
    sure = scores**4 / (scores**4).sum(axis=1, keepdims=True)
    right, wrong = found(scores, labels), found(sure, labels)
    assert right is not None
    assert wrong is not None
    assert right.error < 0.04
    assert wrong.lower > 0.1
    for point in right.points:
        assert abs(point.accuracy.value - point.confidence) < 4 * 0.5 / np.sqrt(point.n_cases)


def test_probabilities_that_are_no_number_have_no_calibration() -> None:
    assert found(np.array([[np.nan, 0.5, 0.5], [1.0, 0.0, 0.0]]), np.array([0, 1])) is None
