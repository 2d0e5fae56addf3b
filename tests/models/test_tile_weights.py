"""The attention that is shown of a tile is the weight by which the network pools it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from shazam.config.student import Variant
from shazam.models.abmil import Abmil
from shazam.models.clam import ClamSb
from shazam.models.concat_abmil import ConcatAbmil
from shazam.models.logit_prod import LogitProd
from shazam.models.segments import Segments, segment_sum
from tests.models.bags import DIMS, SEEN, as_float32, make_bags, make_student, present_of

LENGTHS = (3, 1, 5)
HIGH = DIMS["high"]
SOURCES = (("ann", "high"), ("bob", "high"))


@pytest.fixture
def bags():
    return as_float32(make_bags(LENGTHS))


def network(name: str) -> torch.nn.Module:
    torch.manual_seed(1)
    sizes = {"dim": 8, "n_outputs": 4}
    match name:
        case "abmil":
            made = Abmil(SOURCES[0], dim_in=HIGH[0], **sizes)
        case "clam":
            made = ClamSb(SOURCES[0], dim_in=HIGH[0], **sizes)
        case "concat":
            made = ConcatAbmil(SOURCES, dims_in=HIGH, **sizes)
        case "product":
            parts = [Abmil(s, dim_in=d, **sizes) for s, d in zip(SOURCES, HIGH, strict=True)]
            made = LogitProd(parts)
            made.weights.copy_(torch.tensor([0.7, 0.3]))
        case _:
            made = make_student(variant=Variant(name))
    return made.eval()


ALL = ("abmil", "clam", "concat", "product", *Variant)


@pytest.mark.parametrize("name", ALL)
def test_the_weights_of_a_case_sum_to_one_and_depend_on_that_case_alone(bags, name):
    made = network(name)
    with torch.inference_mode():
        weights = made.tile_weights(bags)
        alone = torch.cat([made.tile_weights(bags.select([row])) for row in range(3)])
    sums = segment_sum(weights[:, None], segments=Segments(bags.offsets))
    torch.testing.assert_close(sums, torch.ones(3, 1))
    torch.testing.assert_close(weights, alone)
    assert (weights > 0).all()
    assert weights[:3].std() > 1e-4


@pytest.mark.parametrize("name", ALL)
def test_they_move_with_the_tiles(bags, name):
    order = torch.tensor([2, 0, 1])
    moved = replace(
        bags.select([0]),
        levels={source: tiles[:3][order] for source, tiles in bags.levels.items()},
    )
    with torch.inference_mode():
        weights = network(name).tile_weights(bags.select([0]))
        torch.testing.assert_close(network(name).tile_weights(moved), weights[order])


@pytest.mark.parametrize("name", ["abmil", "concat"])
def test_the_mean_by_these_weights_gives_the_logits_of_abmil(bags, name):
    made = network(name)
    with torch.inference_mode():
        hidden = torch.relu(made.pool.embed(made._tiles(bags)[None]))[0]
        weighted = made.tile_weights(bags)[:, None] * hidden
        logits = made.head(segment_sum(weighted, segments=Segments(bags.offsets)))
        torch.testing.assert_close(logits, made(bags))


def test_the_mean_by_these_weights_gives_the_logits_of_clam(bags):
    made = network("clam")
    with torch.inference_mode():
        encoded = made.encode(bags)
        weighted = made.tile_weights(bags)[:, None] * encoded.hidden
        logits = made.head(segment_sum(weighted, segments=encoded.segments))
        torch.testing.assert_close(logits, encoded.logits)


def test_parts_of_a_product_count_by_their_weights(bags):
    made = network("product")
    with torch.inference_mode():
        ann, bob = (part.tile_weights(bags) for part in made.parts)
        torch.testing.assert_close(made.tile_weights(bags), 0.7 * ann + 0.3 * bob)


@pytest.mark.parametrize("variant", Variant)
def test_a_student_averages_its_poolings_by_the_gate_or_equally(bags, variant):
    made = network(variant)
    segments = Segments(bags.offsets)
    expected = torch.zeros(sum(LENGTHS))
    with torch.inference_mode():
        levels = made.encode(bags).levels
        for index, (teacher, level) in enumerate(made.sources):
            pooled = made.pool.weights(
                index, made.project[index](bags.levels[teacher, level]), segments
            )
            share = levels[level].weights[:, index % 2]
            if variant is Variant.FAITHFUL:
                share = torch.full((3,), 0.5)
            expected += pooled * share.repeat_interleave(segments.lengths) / len(DIMS)
        torch.testing.assert_close(made.tile_weights(bags), expected)


@pytest.mark.parametrize("name", ["product", *Variant])
def test_a_teacher_that_a_case_lacks_does_not_count(bags, name):
    made = network(name)
    seen = replace(bags, present=present_of(SEEN))  # the second case lacks bob, the third ann
    other = replace(
        seen,
        levels={
            (teacher, level): torch.where(
                (Segments(bags.offsets).case_of_tile == (1 if teacher == "bob" else 2))[:, None],
                tiles + 1.0,
                tiles,
            )
            for (teacher, level), tiles in bags.levels.items()
        },
    )
    with torch.inference_mode():
        weights = made.tile_weights(seen)
        torch.testing.assert_close(made.tile_weights(other), weights)
    sums = segment_sum(weights[:, None], segments=Segments(bags.offsets))
    torch.testing.assert_close(sums, torch.ones(3, 1))
