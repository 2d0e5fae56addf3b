"""The fit loop: AdamW, warm-up and cosine, clipping, stopping on inner validation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from shazam.config.training import TrainingConfig
from shazam.errors import TrainingError
from shazam.models.arm import Stopping


class Objective(Protocol):
    """What is fitted, and to what. Rows are int64 ``[n]``, positions of cases."""

    @property
    def network(self) -> nn.Module:
        """The network that is kept."""
        ...

    @property
    def helpers(self) -> nn.Module:
        """Modules that are trained beside it and then dropped."""
        ...

    def training_loss(self, rows: Tensor) -> Tensor:
        """Return the loss that is minimised."""
        ...

    def task_loss(self, rows: Tensor) -> Tensor:
        """Return the loss of the task alone, by which an epoch is chosen."""
        ...

    def n_informative(self, rows: Tensor) -> int:
        """Return how many of these cases bear on the choice of an epoch."""
        ...


@dataclass(frozen=True, slots=True)
class FitReport:
    """How a fit went; ``kept_epoch`` counts from 1."""

    stopping: Stopping
    n_epochs: int
    n_steps: int
    kept_epoch: int


def fit(
    objective: Objective, *, train: Tensor, validation: Tensor, config: TrainingConfig
) -> FitReport:
    """Fit a network in place.

    With at least ``min_validation_events`` informative validation cases the epoch of the least
    validation loss is kept; otherwise all epochs are run and the last one is kept.

    Args:
        objective: the network with its losses.
        train: int64 ``[n_train]``, rows of the training cases.
        validation: int64 ``[n_validation]``, rows of the inner-validation cases.
        config: the optimiser budget.

    Raises:
        TrainingError: a loss is NaN or infinite.
    """
    n_batches = math.ceil(len(train) / config.batch_cases)
    schedule = _Schedule(objective, n_steps=n_batches * config.max_epochs, config=config)
    chooses = objective.n_informative(validation) >= config.min_validation_events
    best = _Best(objective.network)
    for epoch in range(1, config.max_epochs + 1):
        objective.network.train()
        for rows in train[torch.randperm(len(train))].tensor_split(n_batches):
            schedule.step(objective.training_loss(rows))
        if chooses:
            best.offer(_validation_loss(objective, validation), epoch=epoch)
            if epoch - best.epoch >= config.patience_epochs:
                break
    if not chooses:
        return FitReport(Stopping.FIXED_EPOCHS, epoch, schedule.n_done, kept_epoch=epoch)
    best.restore()
    return FitReport(Stopping.VALIDATION_LOSS, epoch, schedule.n_done, kept_epoch=best.epoch)


def rate_factor(step: int, *, n_steps: int, warmup_fraction: float) -> float:
    """Return the share of the learning rate at a step: linear warm-up, then half a cosine.

    Args:
        step: counted from 0.
        n_steps: of the whole fit.
        warmup_fraction: share of the steps that warm up, 0 to 1.
    """
    n_warmup = round(warmup_fraction * n_steps)
    if step < n_warmup:
        return (step + 1) / n_warmup
    progress = (step - n_warmup) / max(n_steps - n_warmup, 1)
    return 0.5 * (1.0 + math.cos(math.pi * progress))


class _Schedule:
    """The optimiser and where it stands."""

    def __init__(self, objective: Objective, *, n_steps: int, config: TrainingConfig) -> None:
        self._parameters = [*objective.network.parameters(), *objective.helpers.parameters()]
        self._optimiser = torch.optim.AdamW(
            self._parameters, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self._n_steps = n_steps
        self._config = config
        self.n_done = 0

    def step(self, loss: Tensor) -> None:
        """Descend once."""
        if not bool(torch.isfinite(loss)):
            raise TrainingError(
                f"the loss is {loss.item()} at step {self.n_done}; lower training.learning_rate"
            )
        factor = rate_factor(
            self.n_done, n_steps=self._n_steps, warmup_fraction=self._config.warmup_fraction
        )
        for group in self._optimiser.param_groups:
            group["lr"] = self._config.learning_rate * factor
        self._optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(self._parameters, self._config.gradient_clip)
        self._optimiser.step()
        self.n_done += 1


class _Best:
    """The weights of the epoch with the least validation loss."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._loss = math.inf
        self._state: dict[str, Tensor] = {}
        self.epoch = 0

    def offer(self, loss: float, *, epoch: int) -> None:
        """Keep this epoch's weights if its loss is the least so far."""
        if loss < self._loss:
            self._loss, self.epoch = loss, epoch
            self._state = {k: v.detach().clone() for k, v in self._network.state_dict().items()}

    def restore(self) -> None:
        """Put the kept weights back."""
        self._network.load_state_dict(self._state)


def _validation_loss(objective: Objective, validation: Tensor) -> float:
    objective.network.eval()
    with torch.inference_mode():
        loss = float(objective.task_loss(validation))
    if not math.isfinite(loss):
        raise TrainingError(f"the validation loss is {loss}; lower training.learning_rate")
    return loss
