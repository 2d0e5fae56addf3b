from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.config.student import Variant
from shazam.features.bags import PackedBags
from shazam.models.gate import TeacherGate
from shazam.models.student import FusionStudent, StudentShape
from tests.models.bags import TEACHERS, logits_of, make_bags, make_student

LENGTHS = st.lists(st.integers(1, 7), min_size=1, max_size=5)
BOTH = pytest.mark.parametrize("variant", list(Variant))


@BOTH
@settings(deadline=None, max_examples=15, derandomize=True)
@given(lengths=LENGTHS, seed=st.integers(0, 5))
def test_permuting_tiles_changes_nothing(variant: Variant, lengths: list[int], seed: int) -> None:
    bags = make_bags(lengths, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    starts = bags.offsets[:-1].tolist()
    order = torch.cat(
        [
            start + torch.randperm(length, generator=generator)
            for start, length in zip(starts, lengths, strict=True)
        ]
    )
    shuffled = PackedBags(
        bags.case_ids, bags.offsets, {source: x[order] for source, x in bags.levels.items()}
    )
    student = make_student(variant=variant)
    torch.testing.assert_close(logits_of(student, shuffled), logits_of(student, bags))


@BOTH
@settings(deadline=None, max_examples=15, derandomize=True)
@given(lengths=LENGTHS, seed=st.integers(0, 5))
def test_packed_cases_equal_cases_one_by_one(
    variant: Variant, lengths: list[int], seed: int
) -> None:
    bags = make_bags(lengths, seed=seed)
    student = make_student(variant=variant)
    alone = [logits_of(student, bags.select([row])) for row in range(len(lengths))]
    torch.testing.assert_close(logits_of(student, bags), torch.cat(alone))


def test_bags_of_one_and_of_many_tiles_give_finite_logits() -> None:
    bags = make_bags([1, 50_000])
    assert bool(torch.isfinite(logits_of(make_student(), bags)).all())


def test_any_teachers_levels_and_widths_make_a_student() -> None:
    shape = StudentShape(
        teachers=("solo",),
        levels=("high",),
        dims=((5,),),
        dim=8,
        n_blocks=1,
        dropout=0.0,
        variant=Variant.CORRECTED,
    )
    student = FusionStudent(shape, n_outputs=3).eval()
    features = {("solo", "high"): torch.randn(4, 5)}
    output = student.encode(PackedBags(("a", "b"), torch.tensor([0, 1, 4]), features))
    assert output.logits.shape == (2, 3)
    assert torch.equal(output.levels["high"].weights, torch.ones(2, 1))


def test_corrected_gate_decides_how_much_a_teacher_counts() -> None:
    """A teacher whose gate goes to 0 moves the output by less than 2 % of what it moved before."""
    student = make_student(variant=Variant.CORRECTED)
    assert _influence_of_first_teacher(student, gate=1e-3) < 0.02 * _influence_of_first_teacher(
        student, gate=0.5
    )


def test_faithful_gate_is_inert_at_ordinary_feature_scales() -> None:
    student = make_student(variant=Variant.FAITHFUL)
    little = _influence_of_first_teacher(student, gate=0.05)
    assert little > 0.9 * _influence_of_first_teacher(student, gate=0.9)


def test_faithful_tokens_ignore_the_weight() -> None:
    assert _token_shift(Variant.FAITHFUL) < 0.005


def test_corrected_tokens_are_proportional_to_the_weight() -> None:
    assert _token_shift(Variant.CORRECTED) == pytest.approx(1 - 0.05 / 0.9, abs=1e-5)


def _token_shift(variant: Variant) -> float:
    """How far a token goes, relative to its length, when its weight goes from .05 to .9."""
    gate = TeacherGate(1, n_teachers=2, dim=16, variant=variant)
    vectors = torch.randn(1, 3, 2, 16, generator=torch.Generator().manual_seed(0))
    _force(gate, weight=0.05)
    before = gate(vectors).tokens[..., 0, :].detach()
    _force(gate, weight=0.9)
    after = gate(vectors).tokens[..., 0, :].detach()
    return float((after - before).norm() / after.norm())


def _influence_of_first_teacher(student: FusionStudent, *, gate: float) -> float:
    """How far the logits go when the first teacher's features are replaced by others."""
    for module in student.modules():
        if isinstance(module, TeacherGate):
            _force(module, weight=gate)
    bags = make_bags([4, 6, 3], seed=1, scale=3.0)
    other = make_bags([4, 6, 3], seed=2, scale=3.0)
    levels = {
        source: (other if source[0] == TEACHERS[0] else bags).levels[source]
        for source in bags.levels
    }
    changed = PackedBags(bags.case_ids, bags.offsets, levels)
    return float((logits_of(student, changed) - logits_of(student, bags)).norm())


def _force(gate: TeacherGate, *, weight: float) -> None:
    """Give the first of two teachers this weight, whatever the case."""
    last = gate.mlp[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.copy_(torch.tensor([weight, 1.0 - weight]).log())
