"""Small packed bags for tests of models and training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch

from shazam.config.student import Variant
from shazam.features.bags import PackedBags
from shazam.models.student import FusionStudent, StudentShape

DIMS: Mapping[str, tuple[int, int]] = {"low": (5, 7), "mid": (6, 4), "high": (8, 9)}
TEACHERS = ("ann", "bob")


def make_bags(lengths: Sequence[int], *, seed: int = 0, scale: float = 1.0) -> PackedBags:
    """Return bags of random features: two teachers, three levels, one case per length."""
    generator = torch.Generator().manual_seed(seed)
    offsets = torch.tensor([0, *lengths]).cumsum(0)
    levels = {
        (teacher, level): (
            torch.randn(int(offsets[-1]), dims[index], generator=generator) * scale
        ).half()
        for level, dims in DIMS.items()
        for index, teacher in enumerate(TEACHERS)
    }
    return PackedBags(tuple(f"case{i:03d}" for i in range(len(lengths))), offsets, levels)


def make_student(
    *, variant: Variant = Variant.CORRECTED, n_outputs: int = 4, seed: int = 0
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
    )
    return FusionStudent(shape, n_outputs=n_outputs).eval()


def logits_of(model: torch.nn.Module, bags: PackedBags) -> torch.Tensor:
    """Return the logits of bags as float32 features."""
    logits: torch.Tensor = model(as_float32(bags))
    return logits.detach()


def as_float32(bags: PackedBags) -> PackedBags:
    """Return the same bags in float32."""
    levels = {source: tensor.float() for source, tensor in bags.levels.items()}
    return replace(bags, levels=levels)
