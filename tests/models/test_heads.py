from __future__ import annotations

import numpy as np
import torch

from shazam.models.heads import Head, make_head, scores_of, survival_of


def test_survival_is_the_product_of_surviving_each_interval() -> None:
    hazards = torch.tensor([[0.5, 0.25, 0.1]])
    survival = survival_of(torch.logit(hazards))
    torch.testing.assert_close(survival, torch.tensor([[0.5, 0.375, 0.3375]]))


def test_higher_hazards_give_higher_risk() -> None:
    logits = torch.tensor([[-2.0, -2.0], [0.0, 0.0], [3.0, 3.0]])
    risks = scores_of(logits, head=Head.DISCRETE_TIME)
    assert risks.shape == (3, 1)
    assert np.all(np.diff(risks[:, 0]) > 0)


def test_class_scores_are_probabilities() -> None:
    scores = scores_of(torch.randn(5, 3) * 30, head=Head.CLASSES)
    np.testing.assert_allclose(scores.sum(axis=1), 1.0)
    assert scores.dtype == np.float64


def test_linear_risk_is_left_as_it_is() -> None:
    assert scores_of(torch.tensor([[2.5]]), head=Head.LINEAR_RISK).tolist() == [[2.5]]


def test_head_gives_the_asked_number_of_outputs() -> None:
    assert make_head(8, n_outputs=5)(torch.zeros(2, 8)).shape == (2, 5)
