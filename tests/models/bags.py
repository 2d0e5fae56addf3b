"""Small packed bags for tests of models and training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from shazam.config.student import Form, Variant
from shazam.features.bags import PackedBags
from shazam.models.cross_attention import CrossAttentionShape, CrossAttentionStudent
from shazam.models.student import FusionStudent, StudentShape

DIMS: Mapping[str, tuple[int, int]] = {"low": (5, 7), "mid": (6, 4), "high": (8, 9)}
TEACHERS = ("ann", "bob")
SEEN = ((True, True), (True, False), (False, True))


def make_bags(
    lengths: Sequence[int],
    *,
    seed: int = 0,
    scale: float = 1.0,
    dtype: torch.dtype = torch.float16,
) -> PackedBags:
    """Return bags of random features: two teachers, three levels, one case per length."""
    generator = torch.Generator().manual_seed(seed)
    offsets = torch.tensor([0, *lengths]).cumsum(0)
    levels = {
        (teacher, level): (
            torch.randn(int(offsets[-1]), dims[index], generator=generator) * scale
        ).to(dtype)
        for level, dims in DIMS.items()
        for index, teacher in enumerate(TEACHERS)
    }
    return PackedBags(tuple(f"case{i:03d}" for i in range(len(lengths))), offsets, levels)


def present_of(masks: Sequence[tuple[bool, bool]]) -> dict[str, torch.Tensor]:
    """Return which teachers have seen which cases, one of :data:`SEEN` for each case."""
    table = torch.tensor(masks)
    return {name: table[:, index] for index, name in enumerate(TEACHERS)}


def make_student(
    *,
    variant: Variant = Variant.CORRECTED,
    form: Form = Form.SLIDE,
    teacher_dropout: float = 0.0,
    n_outputs: int = 4,
    seed: int = 0,
) -> FusionStudent:
    """Return a small student for :func:`make_bags`, in evaluation mode."""
    torch.manual_seed(seed)
    shape = StudentShape(
        teachers=TEACHERS,
        levels=tuple(DIMS),
        dims=tuple(DIMS.values()),
        dim=8,
        n_blocks=2,
        dropout=0.25,
        variant=variant,
        form=form,
        teacher_dropout=teacher_dropout,
    )
    return FusionStudent(shape, n_outputs=n_outputs).eval()


def make_v1(
    *,
    variant: Variant = Variant.CORRECTED,
    teacher_dropout: float = 0.0,
    n_outputs: int = 4,
    seed: int = 0,
) -> CrossAttentionStudent:
    """Return a small v1 student for :func:`make_bags`, in evaluation mode."""
    torch.manual_seed(seed)
    shape = CrossAttentionShape(
        teachers=TEACHERS,
        level="high",
        dims=DIMS["high"],
        dim=8,
        n_blocks=2,
        variant=variant,
        teacher_dropout=teacher_dropout,
    )
    return CrossAttentionStudent(shape, n_outputs=n_outputs).eval()


def every_student(
    *, teacher_dropout: float = 0.0
) -> dict[str, FusionStudent | CrossAttentionStudent]:
    """Return each kind of student in each variant, by name."""
    students: dict[str, FusionStudent | CrossAttentionStudent] = {}
    for variant in Variant:
        students[f"v1.{variant}"] = make_v1(variant=variant, teacher_dropout=teacher_dropout)
        for form in Form:
            students[f"v2.{form}.{variant}"] = make_student(
                variant=variant, form=form, teacher_dropout=teacher_dropout
            )
    return students


STUDENTS = tuple(every_student())


def logits_of(model: torch.nn.Module, bags: PackedBags) -> torch.Tensor:
    """Return the logits of bags as float32 features."""
    logits: torch.Tensor = model(as_float32(bags))
    return logits.detach()


def as_float32(bags: PackedBags) -> PackedBags:
    """Return the same bags in float32."""
    levels = {source: tensor.float() for source, tensor in bags.levels.items()}
    return replace(bags, levels=levels)
