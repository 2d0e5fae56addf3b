"""The fit loop: epochs over the training cases, stopped and chosen on inner validation."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from shazam.config.training import TrainingConfig
from shazam.errors import TrainingError
from shazam.models.arm import Stopping
from shazam.training.batches import Batch, Feed
from shazam.training.checkpoint import Checkpoint
from shazam.training.descent import AveragedWeights, BestWeights, Descent
from shazam.training.targets import Target

_SHOWN = 5


class Objective(Protocol):
    """What is fitted, and to what."""

    @property
    def network(self) -> nn.Module:
        """The network that is kept; takes bags, gives logits ``[n_cases, n_outputs]``."""
        ...

    @property
    def helpers(self) -> nn.Module:
        """Modules that are trained beside it and then dropped."""
        ...

    @property
    def target(self) -> Target:
        """The task, by whose loss an epoch is chosen."""
        ...

    @property
    def is_mean_over_cases(self) -> bool:
        """Whether a step may be computed in parts: its loss is the mean of those of its cases."""
        ...

    def training_loss(self, batch: Batch) -> Tensor:
        """Return the loss that is minimised."""
        ...


@dataclass(frozen=True, slots=True)
class FitReport:
    """How a fit went; ``kept_epoch`` counts from 1, ``validation_loss`` is that epoch's."""

    stopping: Stopping
    n_epochs: int
    n_steps: int
    kept_epoch: int
    validation_loss: float | None = None


def fit(
    objective: Objective,
    *,
    feed: Feed,
    train: Tensor,
    validation: Tensor,
    config: TrainingConfig,
    checkpoint: Checkpoint | None = None,
) -> FitReport:
    """Fit a network in place.

    With at least ``min_validation_events`` informative validation cases the epoch of the least
    validation loss is kept; otherwise all epochs are run and the last one is kept.

    Args:
        objective: the network with its losses.
        feed: gives the bags.
        train: int64 ``[n_train]``, rows of the training cases.
        validation: int64 ``[n_validation]``, rows of the inner-validation cases.
        config: the optimiser budget.
        checkpoint: where the state is kept after each epoch, and taken from at the start.

    Raises:
        TrainingError: a loss is NaN or infinite.
    """
    fitting = _Fit(objective, feed=feed, train=train, config=config)
    chooses = objective.target.n_informative(validation) >= config.min_validation_events
    fitting.resume(checkpoint)
    while fitting.epoch < config.max_epochs and not (chooses and fitting.is_patience_over):
        fitting.run_epoch()
        if chooses:
            fitting.judge(validation)
        if checkpoint is not None:
            checkpoint.save(fitting.state())
    return fitting.finish(chooses=chooses)


class _Fit:
    """A fit under way."""

    def __init__(
        self, objective: Objective, *, feed: Feed, train: Tensor, config: TrainingConfig
    ) -> None:
        # a loss that compares the cases of a batch cannot be summed over parts of it
        self._objective, self._feed, self._config = objective, feed, config
        self._steps = feed if objective.is_mean_over_cases else _undivided(feed)
        self._train = train
        # cases of a step are compared with each other, so a step never has fewer than asked for
        n_batches = len(train) / config.batch_cases
        separate = objective.target.is_mean_over_cases
        self._n_batches = max(math.ceil(n_batches) if separate else math.floor(n_batches), 1)
        objective.network.to(feed.device)
        objective.helpers.to(feed.device)
        self._descent = Descent(
            objective.network,
            objective.helpers,
            n_steps=self._n_batches * config.max_epochs,
            config=config,
        )
        self._average = AveragedWeights(objective.network, decay=config.ema_decay)
        self._best = BestWeights(objective.network)
        self.epoch = 0

    @property
    def is_patience_over(self) -> bool:
        return self.epoch - self._best.epoch >= self._config.patience_epochs and self.epoch > 0

    def run_epoch(self) -> None:
        self.epoch += 1
        self._objective.network.train()
        self._objective.helpers.train()
        order = self._train[torch.randperm(len(self._train))]
        steps = order.tensor_split(self._n_batches)
        for batches in self._steps.training(steps, epoch=self.epoch):
            self._step(batches)
            del batches  # before the next ones are waited for

    def _step(self, batches: tuple[Batch, ...]) -> None:
        self._descent.clear()
        n_cases = sum(len(batch.rows) for batch in batches)
        for batch in batches:
            with self._autocast():
                loss = self._objective.training_loss(batch)
            self._check(loss, batch)
            (loss * (len(batch.rows) / n_cases)).backward()  # type: ignore[no-untyped-call]
        self._descent.step()
        self._average.update()

    def judge(self, validation: Tensor) -> None:
        with self._average.used():
            loss = self._validation_loss(validation)
            if not math.isfinite(loss):
                raise TrainingError(
                    f"the validation loss is {loss} in epoch {self.epoch}; lower "
                    "training.learning_rate"
                )
            self._best.offer(loss, epoch=self.epoch)

    def _validation_loss(self, validation: Tensor) -> float:
        self._objective.network.eval()
        with torch.inference_mode(), self._autocast():
            logits = [self._objective.network(batch.bags) for batch in self._feed.whole(validation)]
            return float(self._objective.target.loss(torch.cat(logits).float(), rows=validation))

    def _check(self, loss: Tensor, batch: Batch) -> None:
        if bool(torch.isfinite(loss)):
            return
        names = ", ".join(batch.bags.case_ids[:_SHOWN])
        raise TrainingError(
            f"the loss is {loss.item()} in epoch {self.epoch}, step {self._descent.n_done}, cases "
            f"{names}{' and more' if len(batch.rows) > _SHOWN else ''}; lower "
            "training.learning_rate"
        )

    @contextmanager
    def _autocast(self) -> Iterator[None]:
        with torch.autocast(
            self._feed.device.type,
            dtype=torch.bfloat16,
            enabled=self._config.uses_bfloat16(self._feed.device.type),
        ):
            yield

    def state(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "network": self._objective.network.state_dict(),
            "helpers": self._objective.helpers.state_dict(),
            "descent": self._descent.state(),
            "average": self._average.state(),
            "best": self._best.state(),
            "generator": torch.get_rng_state(),
            "device_generators": _device_generators(self._feed.device),
        }

    def resume(self, checkpoint: Checkpoint | None) -> None:
        state = checkpoint.load() if checkpoint is not None else None
        if state is None:
            return
        self.epoch = state["epoch"]
        self._objective.network.load_state_dict(state["network"])
        self._objective.helpers.load_state_dict(state["helpers"])
        self._descent.load(state["descent"])
        self._average.load(state["average"])
        self._best.load(state["best"])
        torch.set_rng_state(state["generator"])
        if self._feed.device.type == "cuda":
            torch.cuda.set_rng_state_all(state["device_generators"])

    def finish(self, *, chooses: bool) -> FitReport:
        """Put the kept weights into the network."""
        n_steps = self._descent.n_done
        if chooses:
            self._best.restore()
            return FitReport(
                Stopping.VALIDATION_LOSS,
                self.epoch,
                n_steps,
                kept_epoch=self._best.epoch,
                validation_loss=self._best.loss,
            )
        if self._config.ema_decay is not None:
            self._objective.network.load_state_dict(self._average.state())
        return FitReport(Stopping.FIXED_EPOCHS, self.epoch, n_steps, kept_epoch=self.epoch)


def _device_generators(device: torch.device) -> list[Tensor]:
    return torch.cuda.get_rng_state_all() if device.type == "cuda" else []


def _undivided(feed: Feed) -> Feed:
    return replace(feed, tile_budget=sys.maxsize)
