"""The faithful forms give the published code's numbers from the published code's parameters."""

from __future__ import annotations

import numpy as np
import torch

from shazam.config.student import Variant
from shazam.models.abmil import Abmil
from shazam.models.student import FusionStudent, StudentShape
from shazam.training.distillation import FaithfulDistillation
from tests.models.parity import inputs_of, load_abmil, load_student, one_case, read_reference

TOLERANCE = 1e-5


def _close(ours: torch.Tensor, expected: np.ndarray) -> None:
    np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=0, atol=TOLERANCE)


def test_faithful_student_repeats_the_published_slide_model() -> None:
    reference = read_reference("shazam_v2_survival.npz")
    features = inputs_of(reference)
    teachers = tuple("01234")
    levels = ("low", "mid", "high")
    shape = StudentShape(
        teachers=teachers,
        levels=levels,
        dims=tuple(tuple(features[name, level].shape[1] for name in teachers) for level in levels),
        dim=16,
        n_blocks=4,
        dropout=0.25,
        variant=Variant.FAITHFUL,
    )
    student = FusionStudent(shape, n_outputs=4).eval()
    load_student(student, reference=reference, n_teachers=5)
    output = student.encode(one_case(features))

    for level in levels:
        _close(output.levels[level].fused, reference[f"out/{level}"])
        for index in range(5):
            expected = reference[f"out/pooled/{level}/{index}"]
            _close(output.levels[level].pooled[0, index], expected)
    _close(torch.sigmoid(output.logits)[0], reference["out/hazards"])
    distilled = FaithfulDistillation().loss(output, rows=torch.tensor([0]))
    _close(distilled, reference["out/distill_loss"])


def test_abmil_repeats_the_published_single_teacher_model() -> None:
    reference = read_reference("abmil_survival.npz")
    bag = torch.from_numpy(reference["in/bag"])
    model = Abmil(("0", "high"), dim_in=24, dim=16, n_outputs=4).eval()
    load_abmil(model, reference=reference)
    logits = model(one_case({("0", "high"): bag}))
    _close(torch.sigmoid(logits)[0], reference["out/hazards"])
