from __future__ import annotations

import torch

from shazam.models.standardise import Standardiser, statistics_of


def test_training_rows_get_mean_zero_and_deviation_one() -> None:
    torch.manual_seed(0)
    features = (torch.randn(200, 3) * torch.tensor([0.1, 5.0, 40.0]) + 7).half()
    standardise = Standardiser(3)
    standardise.set_statistics(features)
    out = standardise(features)
    torch.testing.assert_close(out.mean(dim=0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(out.std(dim=0, correction=0), torch.ones(3), atol=1e-4, rtol=0)


def test_a_feature_that_never_varies_becomes_zero() -> None:
    mean, sd = statistics_of(torch.full((5, 2), 3.0))
    assert mean.tolist() == [3.0, 3.0]
    assert sd.tolist() == [1.0, 1.0]


def test_statistics_do_not_depend_on_how_rows_are_chunked(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    features = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    whole = statistics_of(features)
    monkeypatch.setattr("shazam.models.standardise._CHUNK_ROWS", 7)
    torch.testing.assert_close(statistics_of(features), whole)
