from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from shazam.config.training import TrainingConfig
from shazam.errors import TrainingError
from shazam.models.arm import Stopping
from shazam.training.fit import fit, rate_factor
from shazam.training.reproducible import reproducible, unit_seed


@dataclass
class _Line:
    """Fits ``y = 2 x``; validation loss is scripted."""

    validation_losses: list[float]
    n_events: int = 100
    poison: float = 1.0
    network: nn.Module = field(default_factory=lambda: nn.Linear(1, 1, bias=False))
    helpers: nn.Module = field(default_factory=nn.Identity)
    weights_seen: list[float] = field(default_factory=list)

    def training_loss(self, rows: Tensor) -> Tensor:
        x = rows.float()[:, None]
        loss: Tensor = (self.network(x) - 2 * x).square().mean() * self.poison
        return loss

    def task_loss(self, rows: Tensor) -> Tensor:
        self.weights_seen.append(float(self.network.weight.detach()))
        return torch.tensor(self.validation_losses[len(self.weights_seen) - 1])

    def n_informative(self, rows: Tensor) -> int:
        return self.n_events


def _config(**changes: int) -> TrainingConfig:
    return TrainingConfig(max_epochs=5, patience_epochs=2, batch_cases=4).model_copy(update=changes)


def _fit(objective: _Line, config: TrainingConfig):  # type: ignore[no-untyped-def]
    with reproducible(seed=0):
        return fit(objective, train=torch.arange(1, 10), validation=torch.arange(3), config=config)


def test_weights_of_the_least_validation_loss_are_kept() -> None:
    objective = _Line([3.0, 1.0, 2.0, 2.0, 0.0])
    report = _fit(objective, _config())
    assert report.stopping is Stopping.VALIDATION_LOSS
    assert (report.kept_epoch, report.n_epochs) == (2, 4)
    assert float(objective.network.weight.detach()) == objective.weights_seen[1]


def test_too_few_validation_events_mean_fixed_epochs() -> None:
    objective = _Line([], n_events=14)
    report = _fit(objective, _config(min_validation_events=15))
    assert report.stopping is Stopping.FIXED_EPOCHS
    assert (report.kept_epoch, report.n_epochs, report.n_steps) == (5, 5, 15)


def test_nan_in_the_loss_is_named() -> None:
    with pytest.raises(TrainingError, match="nan at step 0"):
        _fit(_Line([], poison=float("nan")), _config())
    with pytest.raises(TrainingError, match="validation loss is inf"):
        _fit(_Line([float("inf")]), _config())


def test_rate_warms_up_and_then_falls_to_zero() -> None:
    factors = [rate_factor(step, n_steps=20, warmup_fraction=0.2) for step in range(20)]
    assert factors[:4] == [0.25, 0.5, 0.75, 1.0]
    assert all(later <= earlier for earlier, later in pairwise(factors[3:]))
    assert factors[-1] < 0.02
    assert rate_factor(0, n_steps=1, warmup_fraction=0.0) == 1.0


def test_the_callers_random_state_and_threads_come_back() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    n_threads = torch.get_num_threads()
    with reproducible(seed=1):
        first = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == n_threads
    with reproducible(seed=1):
        assert torch.equal(torch.rand(3), first)


def test_every_fold_and_seed_has_its_own_seed() -> None:
    assert len({unit_seed(seed, fold=fold) for seed in range(5) for fold in range(5)}) == 25
