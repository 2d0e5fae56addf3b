from __future__ import annotations

import torch

from shazam.features.bags import PackedBags
from shazam.models.segments import Segments, segment_mean
from tests.models.bags import as_float32, logits_of, make_bags, make_v1


def test_a_case_is_its_mean_tile() -> None:
    bags = as_float32(make_bags([3, 1, 6]))
    segments = Segments(bags.offsets)
    means = {s: segment_mean(tensor, segments=segments) for s, tensor in bags.levels.items()}
    single = PackedBags(bags.case_ids, torch.arange(4), means)
    torch.testing.assert_close(logits_of(make_v1(), single), logits_of(make_v1(), bags))


def test_statistics_standardise_the_inputs() -> None:
    bags = as_float32(make_bags([3, 1, 6]))
    student = make_v1()
    scaled = PackedBags(
        bags.case_ids, bags.offsets, {s: 5.0 + 2.0 * x for s, x in bags.levels.items()}
    )
    expected = logits_of(student, bags)
    student.set_statistics(
        {
            s: (torch.full((bags.levels[s].shape[1],), 5.0), torch.full_like(bags.levels[s][0], 2))
            for s in student.sources
        }
    )
    torch.testing.assert_close(logits_of(student, scaled), expected)


def test_single_tiles_are_read_as_they_are() -> None:
    bags = make_bags([1, 1, 1])
    output = make_v1(n_outputs=3).encode(bags)
    assert output.logits.shape == (3, 3)
    assert output.levels["high"].fused.shape == (3, 8)
    assert output.levels["high"].weights is None
