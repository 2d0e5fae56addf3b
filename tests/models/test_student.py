from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.config.student import Form, Variant
from shazam.features.bags import PackedBags
from shazam.models.gate import TeacherGate
from shazam.models.heads import Head
from shazam.models.score import score_bags
from shazam.models.student import FusionStudent, StudentShape
from tests.models.bags import (
    SEEN,
    STUDENTS,
    TEACHERS,
    every_student,
    logits_of,
    make_bags,
    make_student,
    present_of,
)

LENGTHS = st.lists(st.integers(1, 7), min_size=1, max_size=5)
EACH = pytest.mark.parametrize("kind", STUDENTS)


@EACH
@settings(deadline=None, max_examples=10, derandomize=True)
@given(lengths=LENGTHS, seed=st.integers(0, 5))
def test_permuting_tiles_changes_nothing(kind: str, lengths: list[int], seed: int) -> None:
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
    student = every_student()[kind]
    torch.testing.assert_close(logits_of(student, shuffled), logits_of(student, bags))


@EACH
@settings(deadline=None, max_examples=10, derandomize=True)
@given(lengths=LENGTHS, seed=st.integers(0, 5), data=st.data())
def test_packed_cases_equal_cases_one_by_one(
    kind: str, lengths: list[int], seed: int, data: st.DataObject
) -> None:
    masks = data.draw(st.lists(st.sampled_from(SEEN), min_size=len(lengths), max_size=len(lengths)))
    bags = replace(make_bags(lengths, seed=seed), present=present_of(masks))
    student = every_student()[kind]
    alone = [logits_of(student, bags.select([row])) for row in range(len(lengths))]
    torch.testing.assert_close(logits_of(student, bags), torch.cat(alone))


@EACH
def test_bags_of_one_and_of_many_tiles_give_finite_logits(kind: str) -> None:
    bags = make_bags([1, 50_000])
    logits = logits_of(every_student()[kind], bags)
    assert bool(torch.isfinite(logits).all())
    torch.testing.assert_close(logits[:1], logits_of(every_student()[kind], bags.select([0])))


@EACH
def test_float16_and_float32_features_give_the_same_risk(kind: str) -> None:
    exact = make_bags([3, 40, 1, 7], seed=4, dtype=torch.float32)
    rounded = replace(exact, levels={s: tensor.half() for s, tensor in exact.levels.items()})
    student = every_student()[kind]
    risks = [score_bags(student, bags, head=Head.DISCRETE_TIME) for bags in (exact, rounded)]
    assert not np.array_equal(*risks)
    np.testing.assert_allclose(*risks, atol=1e-2)


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize(
    ("levels", "dims"),
    [
        (("high",), ((5,),)),
        (("low", "high"), ((3, 4, 5), (7, 4, 2))),
        (("mid", "high"), ((6, 1), (2, 6))),
    ],
)
def test_any_teachers_levels_and_widths_make_a_student(
    form: Form, levels: tuple[str, ...], dims: tuple[tuple[int, ...], ...]
) -> None:
    teachers = tuple(f"t{index}" for index in range(len(dims[0])))
    shape = StudentShape(
        teachers=teachers,
        levels=levels,
        dims=dims,
        dim=8,
        n_blocks=1,
        dropout=0.0,
        variant=Variant.CORRECTED,
        form=form,
    )
    student = FusionStudent(shape, n_outputs=3).eval()
    features = {
        (name, level): torch.randn(4, width)
        for level, widths in zip(levels, dims, strict=True)
        for name, width in zip(teachers, widths, strict=True)
    }
    output = student.encode(PackedBags(("a", "b"), torch.tensor([0, 1, 4]), features))
    assert output.logits.shape == (2, 3)
    assert tuple(output.levels) == levels
    weights = output.levels[levels[-1]].weights
    assert weights is not None
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(2))


def test_imputed_features_are_averaged_tile_by_tile() -> None:
    """A missing value counts as the training mean in its tile, so it pulls the case's mean."""
    shape = StudentShape(
        teachers=("solo",),
        levels=("high",),
        dims=((2,),),
        dim=8,
        n_blocks=1,
        dropout=0.0,
        variant=Variant.CORRECTED,
        form=Form.TILE,
        impute=True,
    )
    student = FusionStudent(shape, n_outputs=3).eval()
    tiles = torch.tensor([[4.0, 1.0], [torch.nan, 1.0]])
    bags = PackedBags(("a",), torch.tensor([0, 2]), {("solo", "high"): tiles})
    project = student.project[0]
    expected = project.linear(torch.tensor([[2.0, 1.0, 0.5, 0.0]]))
    torch.testing.assert_close(student.encode(bags).levels["high"].pooled[:, 0], expected)


@pytest.mark.parametrize("form", list(Form))
def test_corrected_gate_decides_how_much_a_teacher_counts(form: Form) -> None:
    """A teacher whose gate goes to 0 moves the output by less than 2 % of what it moved before."""
    student = make_student(variant=Variant.CORRECTED, form=form)
    assert _influence_of_first_teacher(student, gate=1e-3) < 0.02 * _influence_of_first_teacher(
        student, gate=0.5
    )


def test_faithful_gate_is_inert_at_ordinary_feature_scales() -> None:
    student = make_student(variant=Variant.FAITHFUL)
    little = _influence_of_first_teacher(student, gate=0.05)
    assert little > 0.9 * _influence_of_first_teacher(student, gate=0.9)


@pytest.mark.parametrize("form", list(Form))
def test_faithful_gate_from_05_to_9_moves_the_output_by_less_than_a_500th(form: Form) -> None:
    """At vectors of standard deviation 1 and more; below, LayerNorm's epsilon lets some through."""
    assert _shift_by_gate(Variant.FAITHFUL, form=form) < 0.002
    assert _shift_by_gate(Variant.CORRECTED, form=form) > 0.1


def test_faithful_tokens_ignore_the_weight() -> None:
    assert _token_shift(Variant.FAITHFUL) < 0.005


def test_corrected_tokens_are_proportional_to_the_weight() -> None:
    assert _token_shift(Variant.CORRECTED) == pytest.approx(1 - 0.05 / 0.9, abs=1e-5)


def _shift_by_gate(variant: Variant, *, form: Form) -> float:
    """How far the logits go, relative to their size, when the first gate goes from .05 to .9."""
    student = make_student(variant=variant, form=form)
    bags = make_bags([4, 6, 3], seed=1, scale=30.0)
    levels = student.encode(bags).levels.values()
    assert min(float(level.pooled.detach().std(dim=-1).min()) for level in levels) > 1.0
    found = []
    for weight in (0.05, 0.9):
        _force(student.gate, weight=weight)
        found.append(logits_of(student, bags))
    return float((found[1] - found[0]).norm() / found[1].norm())


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
