"""The faithful forms give the published code's numbers from the published code's parameters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from shazam.config.student import Form, Variant
from shazam.features.bags import PackedBags
from shazam.models.abmil import Abmil
from shazam.models.cross_attention import CrossAttentionShape, CrossAttentionStudent
from shazam.models.segments import Source
from shazam.models.student import FusionStudent, StudentShape
from shazam.training.moments import moments_of
from shazam.training.published_distillation import MappedFeatures, OwnVectors
from shazam.training.teacher_targets import TeacherTargets, plain_features
from tests.models.parity import (
    inputs_of,
    load_abmil,
    load_student,
    load_tile_mappers,
    load_tile_student,
    load_v1,
    load_v1_mappers,
    one_case,
    read_reference,
    single_tiles,
)

TOLERANCE = 1e-5


def _close(ours: torch.Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=0, atol=TOLERANCE)


def _shape(features: Mapping[Source, torch.Tensor], *, form: Form) -> StudentShape:
    teachers, levels = tuple("01234"), ("low", "mid", "high")
    return StudentShape(
        teachers=teachers,
        levels=levels,
        dims=tuple(tuple(features[name, level].shape[1] for name in teachers) for level in levels),
        dim=16,
        n_blocks=4,
        dropout=0.25,
        variant=Variant.FAITHFUL,
        form=form,
    )


def _plain(bags: PackedBags, sources: tuple[Source, ...]) -> TeacherTargets:
    rows = torch.arange(len(bags.case_ids))
    return plain_features(moments_of(bags), sources=sources, train=rows)


def test_faithful_student_repeats_the_published_slide_model() -> None:
    reference = read_reference("shazam_v2_survival.npz")
    features = inputs_of(reference)
    student = FusionStudent(_shape(features, form=Form.SLIDE), n_outputs=4).eval()
    load_student(student, reference=reference, n_teachers=5)
    output = student.encode(one_case(features))

    for level, found in output.levels.items():
        _close(found.fused, reference[f"out/{level}"])
        for index in range(5):
            _close(found.pooled[0, index], reference[f"out/pooled/{level}/{index}"])
    _close(torch.sigmoid(output.logits)[0], reference["out/hazards"])
    distilled = OwnVectors().loss(output, rows=torch.tensor([0]))
    _close(distilled, reference["out/distill_loss"])


def test_faithful_tile_form_repeats_the_published_tile_model() -> None:
    reference = read_reference("shazam_v2_tile.npz")
    bags = single_tiles(inputs_of(reference))
    student = FusionStudent(_shape(bags.levels, form=Form.TILE), n_outputs=6).eval()
    load_tile_student(student, reference=reference, n_teachers=5)
    output = student.encode(bags)

    for level in ("low", "mid", "high"):
        _close(output.levels[level].fused, reference[f"out/{level}"])
    _close(output.logits, reference["out/logits"])
    mapped = MappedFeatures(student.sources, dim=16, features=_plain(bags, student.sources))
    load_tile_mappers(mapped, reference=reference, n_teachers=5)
    distilled = mapped.loss(output, rows=torch.arange(9))
    _close(distilled, reference["out/distill_loss_sum"])


def test_v1_repeats_the_published_classifier() -> None:
    reference = read_reference("shazam_v1.npz")
    bags = single_tiles(inputs_of(reference))
    shape = CrossAttentionShape(
        teachers=tuple("0123"),
        level="high",
        dims=(24, 32, 20, 16),
        dim=16,
        n_blocks=5,
        variant=Variant.FAITHFUL,
    )
    student = CrossAttentionStudent(shape, n_outputs=6).eval()
    load_v1(student, reference=reference, n_teachers=4)
    output = student.encode(bags)

    _close(output.levels["high"].fused, reference["out/fused"])
    _close(output.logits, reference["out/logits"])
    tokens = student.tokens(bags, seen=None)
    for number, block in enumerate(student.blocks):
        _close(block.weights(tokens)[0], reference[f"out/attention/{number}"])
        tokens = block(tokens)
    mapped = MappedFeatures(student.sources, dim=16, features=_plain(bags, student.sources))
    load_v1_mappers(mapped, reference=reference, n_teachers=4)
    distilled = mapped.loss(output, rows=torch.arange(9))
    _close(distilled, reference["out/distill_loss_sum"])


def test_abmil_repeats_the_published_single_teacher_model() -> None:
    reference = read_reference("abmil_survival.npz")
    bag = torch.from_numpy(reference["in/bag"])
    model = Abmil(("0", "high"), dim_in=24, dim=16, n_outputs=4).eval()
    load_abmil(model, reference=reference)
    logits = model(one_case({("0", "high"): bag}))
    _close(torch.sigmoid(logits)[0], reference["out/hazards"])
