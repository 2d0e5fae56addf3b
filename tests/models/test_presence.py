from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.errors import FeatureError
from shazam.features.bags import PackedBags
from shazam.models.presence import TeacherDropout, masked_mean, presence_of
from tests.models.bags import (
    SEEN,
    STUDENTS,
    TEACHERS,
    every_student,
    logits_of,
    make_bags,
    present_of,
)

EACH = pytest.mark.parametrize("kind", STUDENTS)
MASKS = st.lists(st.sampled_from(SEEN), min_size=4, max_size=4).filter(
    lambda masks: any(mask != (True, True) for mask in masks)
)
LENGTHS = (3, 1, 5, 2)


def _with_rubbish(bags: PackedBags, rubbish: float) -> PackedBags:
    """Put a value into all features of the cases that a teacher has not seen."""
    levels = {}
    for (teacher, level), tensor in bags.levels.items():
        unseen = (~bags.present[teacher]).repeat_interleave(bags.lengths)
        levels[teacher, level] = tensor.masked_fill(unseen[:, None], rubbish)
    return replace(bags, levels=levels)


@EACH
@settings(deadline=None, max_examples=12, derandomize=True)
@given(masks=MASKS, rubbish=st.sampled_from([torch.nan, torch.inf, -3e38, 1.0]))
def test_what_an_absent_teacher_holds_reaches_neither_output_nor_gradient(
    kind: str, masks: list[tuple[bool, bool]], rubbish: float
) -> None:
    bags = replace(make_bags(LENGTHS, dtype=torch.float32), present=present_of(masks))
    found = []
    for value in (0.0, rubbish):
        student = every_student()[kind]
        logits = student(_with_rubbish(bags, value))
        logits.square().sum().backward()
        gradients = [p.grad for p in student.parameters() if p.grad is not None]
        found.append([logits.detach(), *gradients])
    assert all(bool(torch.isfinite(tensor).all()) for tensor in found[1])
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))


@EACH
def test_parameters_of_a_teacher_that_nobody_has_take_no_gradient(kind: str) -> None:
    student = every_student()[kind]
    bags = replace(make_bags(LENGTHS), present=present_of([(True, False)] * 4))
    student(bags).square().sum().backward()
    for source, project in zip(student.sources, student.project, strict=True):
        assert bool(project.linear.weight.grad.any()) is (source[0] == TEACHERS[0])


@EACH
def test_a_mask_that_hides_nobody_changes_nothing(kind: str) -> None:
    bags = make_bags(LENGTHS)
    masked = replace(bags, present=present_of([(True, True)] * 4))
    student = every_student()[kind]
    assert torch.equal(logits_of(student, masked), logits_of(student, bags))
    # beside a case that lacks a teacher, the others take the masked way
    partly = replace(bags, present=present_of([(True, True)] * 3 + [(True, False)]))
    torch.testing.assert_close(logits_of(student, partly)[:3], logits_of(student, bags)[:3])


@pytest.mark.parametrize("kind", [name for name in STUDENTS if name.startswith("v2")])
def test_the_gate_is_shared_by_those_who_are_there(kind: str) -> None:
    bags = replace(make_bags(LENGTHS), present=present_of([(True, False)] * 2 + [(True, True)] * 2))
    for level in every_student()[kind].encode(bags).levels.values():
        torch.testing.assert_close(level.weights[:2], torch.tensor([[1.0, 0.0]] * 2))
        assert bool((level.weights[2:] > 0).all())


def test_a_case_that_no_teacher_has_seen_is_named() -> None:
    present = {"ann": torch.tensor([True, False, True]), "bob": torch.tensor([False, False, True])}
    with pytest.raises(
        FeatureError, match=r"none of ann, bob has features of all slides of 1 case\(s\) \(c1\)"
    ):
        presence_of(present, teachers=("ann", "bob"), case_ids=("c0", "c1", "c2"))
    table = presence_of(present, teachers=("ann", "eve"), case_ids=("c0", "c1", "c2"))
    assert table is not None
    assert table.tolist() == [[True, True], [False, True], [True, True]]
    assert presence_of(present, teachers=("eve",), case_ids=("c0", "c1", "c2")) is None


def test_masked_mean_is_the_mean_of_those_present() -> None:
    values = torch.tensor([[[1.0, 2.0], [3.0, 6.0]], [[5.0, 5.0], [torch.nan, 9.0]]])
    present = torch.tensor([[True, True], [True, False]])
    assert masked_mean(values, present=present).tolist() == [[2.0, 4.0], [5.0, 5.0]]


@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    probability=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    n_teachers=st.integers(1, 6),
    seed=st.integers(0, 99),
    partly=st.booleans(),
)
def test_dropout_takes_only_those_present_and_leaves_one(
    probability: float, n_teachers: int, seed: int, partly: bool
) -> None:
    torch.manual_seed(seed)
    present = torch.rand(20, n_teachers) > 0.5
    present[:, seed % n_teachers] = True
    dropout = TeacherDropout(probability).train()
    vectors = torch.zeros(1, 20, n_teachers, 2)
    left = dropout(present if partly else None, vectors=vectors)
    if left is None:
        assert not partly
        assert probability == 0.0 or n_teachers == 1
        return
    assert bool(left.any(dim=1).all())
    if partly:
        assert not bool((left & ~present).any())
    if probability == 1.0:
        assert bool((left.sum(dim=1) == 1).all())


def test_dropout_follows_the_seed_its_rate_and_rests_in_evaluation() -> None:
    dropout = TeacherDropout(0.2)
    vectors = torch.zeros(1, 4000, 5, 1)
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found.append(dropout.train()(None, vectors=vectors))
    assert torch.equal(found[0], found[1])
    assert not torch.equal(found[0], found[2])
    assert float(found[0].float().mean()) == pytest.approx(0.8, abs=0.01)
    assert dropout.eval()(None, vectors=vectors) is None


@EACH
def test_students_drop_teachers_in_training_only(kind: str) -> None:
    bags = make_bags(LENGTHS)
    student = every_student(teacher_dropout=0.9)[kind]
    plain = every_student()[kind]
    assert torch.equal(logits_of(student, bags), logits_of(plain, bags))
    for module in student.modules():
        module.training = module is student.teacher_dropout
    assert not torch.allclose(logits_of(student, bags), logits_of(plain, bags))
