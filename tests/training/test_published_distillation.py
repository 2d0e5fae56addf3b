from __future__ import annotations

from dataclasses import replace

import torch

from shazam.config.student import Form, Variant
from shazam.training.distillation import cosine_and_huber
from shazam.training.moments import moments_of
from shazam.training.published_distillation import MappedFeatures, OwnVectors
from shazam.training.teacher_targets import plain_features
from tests.models.bags import make_bags, make_student, present_of

LENGTHS = [4, 2, 5]
ROWS = torch.arange(3)


def test_own_vectors_are_trained_on_both_sides_and_averaged() -> None:
    student = make_student(variant=Variant.FAITHFUL)
    output = student.encode(make_bags(LENGTHS))
    terms = [
        cosine_and_huber(level.fused, level.pooled[:, teacher])
        for level in output.levels.values()
        for teacher in range(2)
    ]
    torch.testing.assert_close(OwnVectors().loss(output, rows=ROWS), torch.stack(terms).mean())


def test_absent_teachers_are_no_targets() -> None:
    student = make_student(variant=Variant.FAITHFUL)
    bags = replace(make_bags(LENGTHS), present=present_of([(True, False)] * 3))
    output = student.encode(bags)
    own = [cosine_and_huber(level.fused, level.pooled[:, 0]) for level in output.levels.values()]
    torch.testing.assert_close(OwnVectors().loss(output, rows=ROWS), torch.stack(own).mean())


def test_mapped_features_are_summed_and_their_mappers_trained_unless_told_otherwise() -> None:
    bags = make_bags(LENGTHS)
    student = make_student(variant=Variant.FAITHFUL, form=Form.TILE)
    features = plain_features(moments_of(bags), sources=student.sources, train=ROWS)
    mapped = MappedFeatures(student.sources, dim=8, features=features)
    output = student.encode(bags)
    loss = mapped.loss(output, rows=ROWS)
    terms = [
        cosine_and_huber(output.levels[source[1]].fused, mapper(features.values[source])).mean()
        for source, mapper in zip(student.sources, mapped.mappers, strict=True)
    ]
    torch.testing.assert_close(loss, torch.stack(terms).sum())
    loss.backward()
    assert all(mapper.weight.grad is not None for mapper in mapped.mappers)

    fixed = MappedFeatures(student.sources, dim=8, features=features).requires_grad_(False)
    fixed.loss(student.encode(bags), rows=ROWS).backward()
    assert all(mapper.weight.grad is None for mapper in fixed.mappers)
