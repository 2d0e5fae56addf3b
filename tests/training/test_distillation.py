from __future__ import annotations

import pytest
import torch

from shazam.features.bags import PackedBags
from shazam.training.distillation import (
    CorrectedDistillation,
    cosine_and_huber,
    standard_targets,
)
from shazam.training.moments import moments_of
from tests.models.bags import make_bags, make_student

TRAIN = torch.tensor([0, 1, 3])


def _targets(bags: PackedBags, *, train: torch.Tensor) -> dict[tuple[str, str], torch.Tensor]:
    return standard_targets(moments_of(bags), sources=tuple(bags.levels), train=train)


def test_targets_are_standard_over_the_training_cases_alone() -> None:
    bags = make_bags([4, 2, 5, 3])
    for target in _targets(bags, train=TRAIN).values():
        torch.testing.assert_close(
            target[TRAIN].mean(dim=0), torch.zeros(target.shape[1]), atol=1e-5, rtol=0
        )
        torch.testing.assert_close(
            target[TRAIN].std(dim=0, correction=0), torch.ones(target.shape[1])
        )


def test_other_cases_do_not_move_the_targets_of_training_cases() -> None:
    bags = make_bags([4, 2, 5, 3])
    targets = _targets(bags, train=TRAIN)
    changed = make_bags([4, 2, 5, 3])
    for tensor in changed.levels.values():
        tensor[6:11] = 9.0
    for source, target in _targets(changed, train=TRAIN).items():
        assert torch.equal(target[TRAIN], targets[source][TRAIN])


def test_no_gradient_reaches_a_distillation_target() -> None:
    bags = make_bags([4, 2, 5, 3])
    student = make_student().train()
    leaves = {
        source: target.clone().requires_grad_()
        for source, target in _targets(bags, train=TRAIN).items()
    }
    distillation = CorrectedDistillation(student.shape, targets=leaves)
    output = student.encode(bags)
    distillation.loss(output, rows=torch.arange(4)).backward()
    assert all(leaf.grad is None for leaf in leaves.values())
    assert all(adaptor.weight.grad is not None for adaptor in distillation.adaptors)
    assert student.project[0].linear.weight.grad is not None


def test_loss_is_zero_for_a_perfect_copy_and_by_hand_otherwise() -> None:
    target = torch.tensor([[3.0, 4.0]])
    assert float(cosine_and_huber(target, target)) == pytest.approx(0.0, abs=1e-6)
    # opposite direction: 1 - cos = 2; Huber of errors 6 and 8 is 5.5 and 7.5
    assert float(cosine_and_huber(-target, target)) == pytest.approx(2.0 + 6.5)


def test_loss_is_a_mean_over_levels_and_teachers() -> None:
    bags = make_bags([2, 3])
    student = make_student()
    distillation = CorrectedDistillation(
        student.shape, targets=_targets(bags, train=torch.tensor([0, 1]))
    )
    output = student.encode(bags)
    terms = [
        cosine_and_huber(
            adaptor(output.levels[source[1]].fused), distillation.targets[source]
        ).detach()
        for source, adaptor in zip(distillation.sources, distillation.adaptors, strict=True)
    ]
    loss = distillation.loss(output, rows=torch.arange(2)).detach()
    torch.testing.assert_close(loss, torch.stack(terms).sum() / 6)
