from __future__ import annotations

import pytest
import torch
from torch.nn.functional import linear

from shazam.models.standardise import StandardisedLinear, Standardiser


def _statistics(features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return features.float().nanmean(dim=0), torch.full((features.shape[1],), 2.0)


def test_features_are_centred_and_scaled_in_float32() -> None:
    features = torch.tensor([[1.0, 5.0], [3.0, 9.0]]).half()
    standardise = Standardiser(2)
    standardise.set(torch.tensor([2.0, 7.0]), torch.tensor([1.0, 2.0]))
    out = standardise(features)
    assert out.dtype == torch.float32
    assert out.tolist() == [[-1.0, -1.0], [1.0, 1.0]]


def test_a_missing_feature_becomes_the_training_mean_and_is_marked() -> None:
    standardise = Standardiser(2, impute=True)
    standardise.set(torch.tensor([2.0, 7.0]), torch.tensor([1.0, 2.0]))
    out = standardise(torch.tensor([[float("nan"), 9.0]]))
    assert out.tolist() == [[0.0, 1.0, 1.0, 0.0]]


@pytest.mark.parametrize("impute", [False, True])
def test_the_linear_layer_repeats_a_plain_one_on_standardised_features(impute: bool) -> None:
    torch.manual_seed(0)
    features = (torch.randn(50, 3) + 300).half()
    if impute:
        features[::7, 1] = float("nan")
    layer = StandardisedLinear(3, 4, impute=impute)
    layer.standardise.set(*_statistics(features))
    expected = linear(layer.standardise(features), layer.linear.weight, layer.linear.bias)
    torch.testing.assert_close(layer(features), expected)


def test_the_gradient_is_that_of_a_plain_layer_on_standardised_features() -> None:
    torch.manual_seed(0)
    features = (torch.randn(50, 3) + 5).half()
    layer, plain = StandardisedLinear(3, 4), torch.nn.Linear(3, 4)
    plain.load_state_dict(layer.linear.state_dict())
    layer.standardise.set(*_statistics(features))
    (layer(features).square().sum() + layer(features).sum()).backward()
    standard = layer.standardise(features)
    (plain(standard).square().sum() + plain(standard).sum()).backward()
    torch.testing.assert_close(layer.linear.weight.grad, plain.weight.grad)
    torch.testing.assert_close(layer.linear.bias.grad, plain.bias.grad)


def test_bfloat16_autocast_stays_near() -> None:
    torch.manual_seed(0)
    features = (torch.randn(200, 30) + 300).half()
    layer = StandardisedLinear(30, 4)
    layer.standardise.set(*_statistics(features))
    exact = layer(features)
    exact.square().mean().backward()
    gradient = layer.linear.weight.grad.clone()
    layer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        near = layer(features)
    assert near.dtype == torch.bfloat16
    near.float().square().mean().backward()
    torch.testing.assert_close(near.float(), exact, atol=0.05, rtol=0.05)
    torch.testing.assert_close(layer.linear.weight.grad, gradient, atol=0.02, rtol=0.1)


def test_the_gradient_of_many_tiles_adds_up_in_bfloat16() -> None:
    torch.manual_seed(0)
    features = torch.randn(50_000, 6).half()
    layer = StandardisedLinear(6, 3)
    outer = torch.randn(len(features), 3).bfloat16().float()
    (layer(features) * outer).sum().backward()
    gradient = layer.linear.weight.grad.clone()
    layer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        near = layer(features)
    (near * outer).sum().backward()
    assert (layer.linear.weight.grad - gradient).norm() / gradient.norm() < 0.006
