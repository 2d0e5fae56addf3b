from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from shazam.config.training import TrainingConfig
from shazam.errors import TrainingError
from shazam.features.bags import PackedBags
from shazam.models.arm import Stopping
from shazam.models.heads import Head
from shazam.models.segments import Bags
from shazam.training.batches import Batch, Feed
from shazam.training.checkpoint import Checkpoint
from shazam.training.descent import rate_factor
from shazam.training.fit import FitReport, fit
from shazam.training.reproducible import reproducible, unit_seed

N_CASES = 12


class _Line(nn.Module):
    """``w x`` of a case's only tile."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1, bias=False)
        self.dropout = nn.Dropout(0.5)

    def forward(self, bags: Bags) -> Tensor:
        found: Tensor = self.linear(self.dropout(bags.levels["ann", "high"].float()))
        return found


@dataclass
class _Target:
    """Validation loss is scripted."""

    validation_losses: list[float]
    n_events: int = 100
    head: Head = Head.LINEAR_RISK
    n_outputs: int = 1
    bins: None = None
    is_mean_over_cases: bool = True

    def loss(self, logits: Tensor, *, rows: Tensor) -> Tensor:
        return torch.tensor(self.validation_losses.pop(0))

    def n_informative(self, rows: Tensor) -> int:
        return self.n_events


@dataclass
class _Objective:
    """Fits ``y = 2 x``."""

    target: _Target
    poison: float = 1.0
    dies_at_step: int = -1
    network: nn.Module = field(default_factory=_Line)
    helpers: nn.Module = field(default_factory=nn.Identity)
    n_cases_seen: list[int] = field(default_factory=list)

    @property
    def is_mean_over_cases(self) -> bool:
        return self.target.is_mean_over_cases

    def training_loss(self, batch: Batch) -> Tensor:
        if len(self.n_cases_seen) == self.dies_at_step:
            raise KeyboardInterrupt
        self.n_cases_seen.append(len(batch.rows))
        x = batch.bags.levels["ann", "high"].float()
        loss: Tensor = (self.network(batch.bags) - 2 * x).square().mean() * self.poison
        return loss


def _bags() -> PackedBags:
    tiles = torch.arange(N_CASES, dtype=torch.float16)[:, None] / 4
    names = tuple(f"case{i:03d}" for i in range(N_CASES))
    return PackedBags(names, torch.arange(N_CASES + 1), {("ann", "high"): tiles})


def _config(**changes: object) -> TrainingConfig:
    given = {"max_epochs": 5, "patience_epochs": 2, "batch_cases": 4, **changes}
    return TrainingConfig.model_validate(given)


def _objective(*losses: float, **changes: float) -> _Objective:
    with reproducible(seed=1):
        return _Objective(_Target(list(losses)), **changes)  # type: ignore[arg-type]


def _fit(
    objective: _Objective,
    config: TrainingConfig,
    *,
    checkpoint: Checkpoint | None = None,
    tile_budget: int = 100,
) -> FitReport:
    with reproducible(seed=0):
        return fit(
            objective,
            feed=Feed(bags=_bags(), tile_budget=tile_budget),
            train=torch.arange(1, 10),
            validation=torch.arange(3),
            config=config,
            checkpoint=checkpoint,
        )


def _weight(objective: _Objective) -> float:
    return float(next(objective.network.parameters()).detach())


def test_weights_of_the_least_validation_loss_are_kept() -> None:
    objective = _objective(3.0, 1.0, 2.0, 2.0)
    report = _fit(objective, _config())
    assert report.stopping is Stopping.VALIDATION_LOSS
    assert (report.kept_epoch, report.n_epochs, report.validation_loss) == (2, 4, 1.0)
    longer = _objective(3.0, 1.0, 2.0, 2.0, 2.0)
    _fit(longer, _config(patience_epochs=5))
    assert _weight(longer) == _weight(objective)


def test_too_few_validation_events_mean_fixed_epochs() -> None:
    objective = _objective()
    objective.target.n_events = 3
    report = _fit(objective, _config())
    assert report.stopping is Stopping.FIXED_EPOCHS
    assert (report.kept_epoch, report.n_epochs, report.n_steps) == (5, 5, 15)


def test_a_step_in_parts_equals_a_step_at_once() -> None:
    whole, parts = _objective(), _objective()
    for objective, budget in ((whole, 100), (parts, 2)):
        objective.network.dropout.p = 0.0
        objective.target.n_events = 0
        _fit(objective, _config(), tile_budget=budget)
    assert (max(whole.n_cases_seen), max(parts.n_cases_seen)) == (3, 2)
    assert _weight(whole) == pytest.approx(_weight(parts), abs=1e-6)


def test_a_loss_that_compares_cases_is_never_computed_in_parts() -> None:
    objective = _objective()
    objective.target.n_events, objective.target.is_mean_over_cases = 0, False
    _fit(objective, _config(), tile_budget=1)
    # nine cases in steps of at least four
    assert set(objective.n_cases_seen) == {4, 5}


def test_validation_keeps_to_the_budget_for_every_loss() -> None:
    """Its logits are joined before the loss is computed, so its tiles may come in parts."""
    objective = _objective(3.0, 2.0, 1.0, 1.0, 1.0)
    objective.target.is_mean_over_cases = False
    validated: list[int] = []

    def note(network: nn.Module, given: tuple[Bags, ...], output: Tensor) -> None:
        if not network.training:
            validated.append(len(output))

    objective.network.register_forward_hook(note)
    _fit(objective, _config(), tile_budget=2)
    assert set(objective.n_cases_seen) == {4, 5}
    assert validated[:2] == [2, 1]


@pytest.mark.parametrize("dies_at_step", [1, 3, 8, 14])
@pytest.mark.parametrize("ema_decay", [None, 0.5])
def test_a_fit_that_was_cut_off_goes_on_as_if_it_had_not_been(
    dies_at_step: int, ema_decay: float | None, tmp_path: Path
) -> None:
    losses, config = [5.0, 2.0, 3.0, 1.0, 4.0], _config(ema_decay=ema_decay)
    undisturbed = _objective(*losses)
    expected = _fit(undisturbed, config)
    checkpoint = Checkpoint(tmp_path / "fit.pt")
    cut = _objective(*losses, dies_at_step=dies_at_step)
    with pytest.raises(KeyboardInterrupt):
        _fit(cut, config, checkpoint=checkpoint)
    resumed = _objective(*losses[dies_at_step // 3 :])
    assert _fit(resumed, config, checkpoint=checkpoint) == expected
    assert _weight(resumed) == _weight(undisturbed)
    assert len(resumed.n_cases_seen) == 15 - dies_at_step // 3 * 3


def test_a_damaged_checkpoint_is_made_anew(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "fit.pt")
    checkpoint.path.write_bytes(b"not a checkpoint")
    objective = _objective(3.0, 1.0, 2.0, 2.0)
    assert _fit(objective, _config(), checkpoint=checkpoint).n_epochs == 4
    assert checkpoint.load() is not None


def test_averaged_weights_are_the_ones_that_are_kept() -> None:
    plain, averaged = _objective(), _objective()
    for objective, decay in ((plain, None), (averaged, 0.9)):
        objective.target.n_events = 0
        _fit(objective, _config(ema_decay=decay, learning_rate=0.1))
    first = _weight(_objective())
    assert abs(_weight(averaged) - first) < abs(_weight(plain) - first)


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_names_epoch_step_and_cases(poison: float) -> None:
    with pytest.raises(TrainingError, match="in epoch 1, step 0, cases case00"):
        _fit(_objective(poison=poison), _config())


def test_a_validation_loss_that_is_not_finite_is_an_error() -> None:
    with pytest.raises(TrainingError, match="validation loss is nan in epoch 1"):
        _fit(_objective(float("nan")), _config())


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
