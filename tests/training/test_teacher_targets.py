from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from shazam.config.student import TargetScale
from shazam.features.bags import PackedBags
from shazam.training.moments import moments_of
from shazam.training.teacher_targets import TeacherTargets, plain_features, teacher_targets
from tests.models.bags import make_bags, present_of

TRAIN = torch.tensor([0, 1, 3, 4, 5])
LENGTHS = [4, 2, 5, 3, 1, 6]
EITHER = pytest.mark.parametrize("scale", list(TargetScale))


def _targets(bags: PackedBags, *, scale: TargetScale) -> TeacherTargets:
    moments = moments_of(bags, impute=True)
    return teacher_targets(moments, sources=tuple(bags.levels), train=TRAIN, scale=scale)


@EITHER
def test_targets_are_standard_over_the_training_cases_alone(scale: TargetScale) -> None:
    for target in _targets(make_bags(LENGTHS), scale=scale).values.values():
        own, dim = target[TRAIN], target.shape[1]
        torch.testing.assert_close(own.mean(dim=0), torch.zeros(dim), atol=1e-5, rtol=0)
        torch.testing.assert_close(own.var(dim=0, correction=0), torch.ones(dim))


@EITHER
def test_other_cases_do_not_move_the_targets_of_training_cases(scale: TargetScale) -> None:
    targets = _targets(make_bags(LENGTHS), scale=scale).values
    changed = make_bags(LENGTHS)
    for tensor in changed.levels.values():
        tensor[6:11] = 9.0
    for source, target in _targets(changed, scale=scale).values.items():
        torch.testing.assert_close(target[TRAIN], targets[source][TRAIN])


@EITHER
def test_cases_without_a_teacher_are_unknown_and_move_nothing(scale: TargetScale) -> None:
    seen = [(True, True)] * 4 + [(True, False)] * 2
    bags = replace(make_bags(LENGTHS), present=present_of(seen))
    found = _targets(bags, scale=scale)
    for source, target in found.values.items():
        assert bool(torch.isfinite(target).all())
        present = bags.present[source[0]]
        assert torch.equal(found.known[source], present)
        rows = TRAIN[present[TRAIN]]
        torch.testing.assert_close(
            target[rows].var(dim=0, correction=0), torch.ones(target.shape[1])
        )


@EITHER
def test_a_feature_that_a_case_lacks_stands_at_the_training_mean(scale: TargetScale) -> None:
    bags = make_bags(LENGTHS)
    tensor = bags.levels["ann", "high"]
    tensor[4:6, 2] = torch.nan
    found = _targets(bags, scale=scale)
    assert bool(torch.isfinite(found.values["ann", "high"]).all())
    assert bool(found.known["ann", "high"].all())
    if scale is TargetScale.PER_FEATURE:
        assert float(found.values["ann", "high"][1, 2]) == 0.0


def test_plain_features_are_mean_tiles() -> None:
    bags = make_bags(LENGTHS)
    bags.levels["ann", "high"][4:6, 2] = torch.nan
    means = plain_features(
        moments_of(bags, impute=True), sources=[("ann", "high")], train=TRAIN
    ).values["ann", "high"]
    tiles = bags.levels["ann", "high"].float()
    torch.testing.assert_close(means[0], tiles[:4].mean(dim=0))
    torch.testing.assert_close(means[1, 2], means[[0, 3, 4, 5], 2].mean())
