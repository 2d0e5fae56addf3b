from __future__ import annotations

import torch

from shazam.models.abmil import Abmil
from shazam.models.dropout import TileDropout
from tests.models.bags import logits_of, make_bags


def _model() -> Abmil:
    torch.manual_seed(0)
    return Abmil(("ann", "high"), dim_in=8, dim=6, n_outputs=3).eval()


def test_packed_cases_equal_cases_one_by_one() -> None:
    bags = make_bags([3, 1, 5])
    alone = torch.cat([logits_of(_model(), bags.select([row])) for row in range(3)])
    torch.testing.assert_close(logits_of(_model(), bags), alone)


def test_doubling_every_tile_changes_nothing() -> None:
    bags = make_bags([3, 1, 5])
    rows = torch.arange(9).repeat_interleave(2)
    doubled = {source: tensor[rows] for source, tensor in bags.levels.items()}
    twice = type(bags)(bags.case_ids, bags.offsets * 2, doubled)
    torch.testing.assert_close(logits_of(_model(), twice), logits_of(_model(), bags))


def test_dropout_keeps_the_mean_and_is_silent_in_evaluation() -> None:
    torch.manual_seed(0)
    dropout = TileDropout(0.25)
    values = torch.ones(400, 100)
    dropped = dropout(values)
    assert abs(float((dropped == 0).float().mean()) - 0.25) < 0.01
    assert abs(float(dropped.mean()) - 1.0) < 0.02
    assert torch.equal(dropout.eval()(values), values)
    assert float(TileDropout(1.0)(values).sum()) == 0.0
