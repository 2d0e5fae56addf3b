from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from shazam.models.clam import ClamOutput, ClamSb, InstanceClustering, extreme_tiles
from shazam.models.segments import Segments
from tests.models.bags import make_bags


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(1, 30), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_extreme_tiles_are_those_of_each_case_alone(lengths: list[int], seed: int) -> None:
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    scores = np.random.default_rng(seed).permutation(offsets[-1]).astype(np.float32)
    segments = Segments(torch.from_numpy(offsets))
    top, bottom, n_taken = extreme_tiles(torch.from_numpy(scores), segments=segments)
    for start, length, n in zip(offsets, lengths, n_taken.tolist(), strict=False):
        assert n == min(8, length // 2)
        ranked = start + np.argsort(scores[start : start + length])
        own = [rows[(rows >= start) & (rows < start + length)].tolist() for rows in (top, bottom)]
        assert sorted(own[0]) == sorted(ranked[length - n :].tolist())
        assert sorted(own[1]) == sorted(ranked[:n].tolist())


def _by_hand(output: ClamOutput, heads: InstanceClustering, labels: list[int]) -> float:
    values = []
    offsets = output.segments.offsets.tolist()
    for case, label in enumerate(labels):
        rows = range(offsets[case], offsets[case + 1])
        n = min(8, len(rows) // 2)
        if n == 0:
            values.append(0.0)
            continue
        ranked = sorted(rows, key=lambda row: float(output.scores[row]))
        total = 0.0
        for number in range(heads.n_classes):
            asked = [(row, float(number == label)) for row in ranked[-n:]]
            if number == label:
                asked += [(row, 0.0) for row in ranked[:n]]
            logits = heads.classify(output.hidden)[:, number].double()
            losses = [
                float(-torch.nn.functional.logsigmoid(logits[row] if y else -logits[row]))
                for row, y in asked
            ]
            total += float(np.mean(losses))
        values.append(total / heads.n_classes)
    return float(np.mean(values))


def test_the_instance_loss_by_hand() -> None:
    torch.manual_seed(0)
    network = ClamSb(("ann", "high"), dim_in=8, dim=6, n_outputs=3).eval()
    heads = InstanceClustering(6, n_classes=3)
    labels = [0, 2, 1, 2]
    with torch.no_grad():
        output = network.encode(make_bags([1, 5, 20, 2]))
        loss = float(heads.loss(output, labels=torch.tensor(labels)))
        np.testing.assert_allclose(loss, _by_hand(output, heads, labels), rtol=1e-5)


def test_cases_of_one_tile_have_no_instance_loss() -> None:
    network = ClamSb(("ann", "high"), dim_in=8, dim=6, n_outputs=3)
    output = network.encode(make_bags([1, 1]))
    assert float(InstanceClustering(6, n_classes=3).loss(output, labels=torch.tensor([0, 1]))) == 0


def test_the_instance_loss_does_not_teach_the_attention_but_the_tiles() -> None:
    network = ClamSb(("ann", "high"), dim_in=8, dim=6, n_outputs=2)
    heads = InstanceClustering(6, n_classes=2)
    heads.loss(network.encode(make_bags([9, 4])), labels=torch.tensor([0, 1])).backward()
    assert network.score.weight.grad is None
    assert any(p.grad is not None and p.grad.any() for p in network.embed.parameters())
