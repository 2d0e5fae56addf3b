from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from shazam.config.student import TargetScale
from shazam.features.bags import PackedBags
from shazam.training.distillation import CorrectedDistillation, cosine_and_huber, mean_of_terms
from shazam.training.moments import moments_of
from shazam.training.teacher_targets import TeacherTargets, teacher_targets
from tests.models.bags import make_bags, make_student, make_v1, present_of

TRAIN = torch.tensor([0, 1, 3])
LENGTHS = [4, 2, 5, 3]


def _targets(bags: PackedBags, *, train: torch.Tensor = TRAIN) -> TeacherTargets:
    return teacher_targets(
        moments_of(bags),
        sources=tuple(bags.levels),
        train=train,
        scale=TargetScale.PER_FEATURE,
    )


@pytest.mark.parametrize("make", [make_student, make_v1])
def test_no_gradient_reaches_a_distillation_target(make) -> None:  # type: ignore[no-untyped-def]
    bags = make_bags(LENGTHS)
    student = make().train()
    targets = _targets(bags)
    leaves = {source: value.clone().requires_grad_() for source, value in targets.values.items()}
    distillation = CorrectedDistillation(
        student.sources, dim=8, targets=replace(targets, values=leaves)
    )
    distillation.loss(student.encode(bags), rows=torch.arange(4)).backward()
    assert all(leaf.grad is None for leaf in leaves.values())
    assert all(adaptor.weight.grad is not None for adaptor in distillation.adaptors)
    assert student.project[0].linear.weight.grad is not None


def test_targets_are_in_no_state() -> None:
    bags = make_bags(LENGTHS)
    distillation = CorrectedDistillation(make_v1().sources, dim=8, targets=_targets(bags))
    assert all(name.startswith("adaptors.") for name in distillation.state_dict())


def test_loss_is_zero_for_a_perfect_copy_and_by_hand_otherwise() -> None:
    target = torch.tensor([[3.0, 4.0]])
    assert float(cosine_and_huber(target, target)) == pytest.approx(0.0, abs=1e-6)
    # opposite direction: 1 - cos = 2; Huber of errors 6 and 8 is 5.5 and 7.5
    assert float(cosine_and_huber(-target, target)) == pytest.approx(2.0 + 6.5)


def test_loss_is_a_mean_over_levels_and_teachers() -> None:
    bags = make_bags([2, 3])
    student = make_student()
    targets = _targets(bags, train=torch.tensor([0, 1]))
    distillation = CorrectedDistillation(student.sources, dim=8, targets=targets)
    output = student.encode(bags)
    terms = [
        cosine_and_huber(adaptor(output.levels[source[1]].fused), targets.values[source])
        for source, adaptor in zip(distillation.sources, distillation.adaptors, strict=True)
    ]
    loss = distillation.loss(output, rows=torch.arange(2))
    torch.testing.assert_close(loss, torch.stack(terms).sum() / 12)


def test_twice_the_teachers_do_not_make_twice_the_loss() -> None:
    bags = make_bags(LENGTHS)
    student = make_v1()
    targets = _targets(bags)
    once = CorrectedDistillation(student.sources, dim=8, targets=targets)
    twice = CorrectedDistillation((*student.sources, *student.sources), dim=8, targets=targets)
    for adaptors in (twice.adaptors[:2], twice.adaptors[2:]):
        adaptors.load_state_dict(once.adaptors.state_dict())
    output = student.encode(bags)
    rows = torch.arange(4)
    torch.testing.assert_close(twice.loss(output, rows=rows), once.loss(output, rows=rows))


def test_a_teacher_that_a_case_lacks_is_no_target_of_it() -> None:
    masks = [(True, True), (True, False), (False, True), (True, True)]
    bags = make_bags(LENGTHS)
    bags = replace(bags, present=present_of(masks))
    student = make_v1()
    distillation = CorrectedDistillation(student.sources, dim=8, targets=_targets(bags))
    output = student.encode(bags)
    loss = distillation.loss(output, rows=torch.arange(4))
    expected = []
    for row, mask in enumerate(masks):
        own = [
            cosine_and_huber(adaptor(output.levels["high"].fused), distillation_target)[row]
            for adaptor, distillation_target, seen in zip(
                distillation.adaptors,
                distillation.targets.of(torch.arange(4))[0],
                mask,
                strict=True,
            )
            if seen
        ]
        expected.append(torch.stack(own).mean())
    torch.testing.assert_close(loss, torch.stack(expected).mean())


def test_a_batch_may_be_divided() -> None:
    terms = torch.rand(6, 4, generator=torch.Generator().manual_seed(0))
    known = torch.tensor([[True, True, False, True], [True, False, False, False]]).repeat(3, 1)
    parts = [
        mean_of_terms(terms[part], known=known[part]) * len(terms[part]) / 6
        for part in (slice(0, 1), slice(1, 6))
    ]
    torch.testing.assert_close(mean_of_terms(terms, known=known), sum(parts))
    everything = torch.ones_like(known)
    torch.testing.assert_close(mean_of_terms(terms, known=everything), terms.mean())
