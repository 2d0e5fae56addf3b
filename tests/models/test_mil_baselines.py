"""What holds for every further MIL network: packing, order of tiles, tiny and large bags."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from shazam.features.bags import PackedBags
from shazam.models.clam import ClamSb
from shazam.models.concat_abmil import ConcatAbmil
from shazam.models.trans_mil import SquarePosition, TransMil
from tests.models.bags import TEACHERS, make_bags

HIGH = ("ann", "high")
BOTH = tuple((teacher, "high") for teacher in TEACHERS)
MADE: dict[str, Callable[[], nn.Module]] = {
    "clam_sb": lambda: ClamSb(HIGH, dim_in=8, dim=6, n_outputs=3),
    "concat_abmil": lambda: ConcatAbmil(BOTH, dims_in=(8, 9), dim=6, n_outputs=3),
    "trans_mil": lambda: TransMil(HIGH, dim_in=8, dim=8, n_outputs=3),
}
IMPUTING: dict[str, Callable[[], nn.Module]] = {
    "clam_sb": lambda: ClamSb(HIGH, dim_in=8, dim=6, n_outputs=3, impute=True),
    "concat_abmil": lambda: ConcatAbmil(BOTH, dims_in=(8, 9), dim=6, n_outputs=3, impute=True),
    "trans_mil": lambda: TransMil(HIGH, dim_in=8, dim=8, n_outputs=3, impute=True),
}
EVERY = pytest.mark.parametrize("name", sorted(MADE))


def _model(name: str) -> nn.Module:
    torch.manual_seed(0)
    return MADE[name]().eval()


def _logits(model: nn.Module, bags: PackedBags) -> Tensor:
    with torch.inference_mode():
        logits: Tensor = model(bags)
    return logits


@EVERY
@settings(max_examples=20, deadline=None)
@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_packed_cases_equal_cases_one_by_one(name: str, lengths: list[int]) -> None:
    bags, model = make_bags(lengths), _model(name)
    alone = torch.cat([_logits(model, bags.select([row])) for row in range(len(lengths))])
    torch.testing.assert_close(_logits(model, bags), alone, rtol=1e-4, atol=1e-5)


def _shuffled(bags: PackedBags, *, seed: int) -> PackedBags:
    """Return the same cases with the tiles of each in another order."""
    generator = torch.Generator().manual_seed(seed)
    offsets = bags.offsets.tolist()
    rows = torch.cat(
        [
            start + torch.randperm(end - start, generator=generator)
            for start, end in pairwise(offsets)
        ]
    )
    return replace(bags, levels={source: t[rows] for source, t in bags.levels.items()})


@pytest.mark.parametrize("name", ["clam_sb", "concat_abmil"])
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_order_of_tiles_does_not_matter(name: str, seed: int) -> None:
    bags, model = make_bags([7, 1, 20]), _model(name)
    torch.testing.assert_close(_logits(model, _shuffled(bags, seed=seed)), _logits(model, bags))


def test_the_order_of_tiles_matters_to_trans_mil_alone() -> None:
    bags, model = make_bags([7, 1, 20]), _model("trans_mil")
    moved = (_logits(model, _shuffled(bags, seed=1)) - _logits(model, bags)).abs().amax(dim=1)
    assert moved[1] == 0
    assert moved[0] > 1e-3
    assert moved[2] > 1e-3


@EVERY
def test_a_bag_of_one_tile_and_of_many_work_and_every_weight_is_trained(name: str) -> None:
    model = MADE[name]().train()
    logits = model(make_bags([1, 20_000]))
    assert torch.isfinite(logits).all()
    logits.square().sum().backward()
    unused = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # softmax is blind to a constant, so the score's own bias has no gradient
    assert set(unused) <= {"score.bias"}
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)


def test_a_teacher_that_a_case_lacks_has_no_say_in_it() -> None:
    model = _model("concat_abmil")
    bags = make_bags([3, 4])
    bags = replace(bags, present={"bob": torch.tensor([True, False])})
    altered = {source: tensor.clone() for source, tensor in bags.levels.items()}
    altered["bob", "high"] += 1
    moved = (_logits(model, replace(bags, levels=altered)) - _logits(model, bags)).abs()
    assert moved[0].max() > 1e-4
    assert moved[1].max() == 0


def test_both_teachers_have_a_say() -> None:
    model, bags = _model("concat_abmil"), make_bags([3, 4])
    for teacher in TEACHERS:
        altered = dict(bags.levels)
        altered[teacher, "high"] = altered[teacher, "high"] + 1
        moved = _logits(model, replace(bags, levels=altered)) - _logits(model, bags)
        assert moved.abs().amax(dim=1).min() > 1e-4


@EVERY
def test_missing_values_are_imputed_where_asked(name: str) -> None:
    model = IMPUTING[name]().eval()
    bags = make_bags([3, 4])
    holed = {source: tensor.clone() for source, tensor in bags.levels.items()}
    for tensor in holed.values():
        tensor[:3, 1] = float("nan")
    moved = (_logits(model, replace(bags, levels=holed)) - _logits(model, bags)).abs().amax(dim=1)
    assert 1e-5 < moved[0] < 100
    assert moved[1] == 0


@EVERY
def test_statistics_standardise_the_features(name: str) -> None:
    plain, told = _model(name), _model(name)
    bags = make_bags([3, 4])
    told.set_statistics(
        {
            source: (torch.full((bags.dims[source],), 2.0), torch.full((bags.dims[source],), 0.5))
            for source in BOTH
        }
    )
    shifted = {source: tensor.float() * 0.5 + 2.0 for source, tensor in bags.levels.items()}
    torch.testing.assert_close(
        _logits(told, replace(bags, levels=shifted)), _logits(plain, bags), rtol=1e-4, atol=1e-5
    )


@EVERY
def test_bfloat16_gives_nearly_the_same(name: str) -> None:
    model, bags = _model(name), make_bags([3, 200])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rough = _logits(model, bags)
    torch.testing.assert_close(rough.float(), _logits(model, bags), rtol=0.05, atol=0.05)


@EVERY
def test_cases_can_be_told_apart(name: str) -> None:
    bags, labels = make_bags([5, 30, 1, 12, 7, 3]), torch.tensor([0, 1, 2, 0, 1, 2])
    torch.manual_seed(0)
    model = MADE[name]().train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.01)
    losses = []
    for _ in range(40):
        loss = nn.functional.cross_entropy(model(bags), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]


def test_positions_are_the_sum_of_three_convolutions() -> None:
    torch.manual_seed(0)
    position = SquarePosition(4)
    tokens = torch.randn(1 + 9 + 1 + 4, 4)
    found = position(tokens, lengths=[10, 5])
    for start, side in ((0, 3), (10, 2)):
        picture = tokens[start + 1 : start + 1 + side * side].T.reshape(1, 4, side, side)
        summed = picture + sum(conv(picture) for conv in position.convolve)
        expected = summed[0].flatten(1).T
        torch.testing.assert_close(found[start + 1 : start + 1 + side * side], expected)
        assert torch.equal(found[start], tokens[start])
