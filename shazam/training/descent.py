"""The descent: AdamW with warm-up, half a cosine and clipping, and the average of its weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from shazam.config.training import TrainingConfig


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


class Descent:
    """The optimiser of a network and its helpers, and where it stands.

    Args:
        network: what is kept.
        helpers: modules that are trained beside it.
        n_steps: of the whole fit.
        config: rates, clipping and the decay of averaged weights.
    """

    def __init__(
        self, network: nn.Module, helpers: nn.Module, *, n_steps: int, config: TrainingConfig
    ) -> None:
        self._parameters = [*network.parameters(), *helpers.parameters()]
        self._optimiser = torch.optim.AdamW(
            self._parameters, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
        )
        self._n_steps = n_steps
        self._config = config
        self.n_done = 0

    def clear(self) -> None:
        """Forget the gradients of the last step."""
        self._optimiser.zero_grad()

    def step(self) -> None:
        """Go down the gradients once."""
        factor = rate_factor(
            self.n_done, n_steps=self._n_steps, warmup_fraction=self._config.warmup_fraction
        )
        for group in self._optimiser.param_groups:
            group["lr"] = self._config.learning_rate * factor
        clip_grad_norm_(self._parameters, self._config.gradient_clip)
        self._optimiser.step()
        self.n_done += 1

    def state(self) -> dict[str, Any]:
        """Return what is needed to go on from here."""
        return {"optimiser": self._optimiser.state_dict(), "n_done": self.n_done}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._optimiser.load_state_dict(state["optimiser"])
        self.n_done = state["n_done"]


class AveragedWeights:
    """The exponential moving average of a network's weights; off without a decay.

    Args:
        network: whose weights are averaged.
        decay: share of the average that is kept at a step, 0 to 1; None keeps no average.
    """

    def __init__(self, network: nn.Module, *, decay: float | None) -> None:
        self._network = network
        self._decay = decay
        self._average = {} if decay is None else _copy(network)

    def update(self) -> None:
        """Take the weights after a step into the average."""
        if self._decay is None:
            return
        with torch.no_grad():
            for name, value in self._network.state_dict().items():
                if value.is_floating_point():
                    self._average[name].lerp_(value, 1.0 - self._decay)

    @contextmanager
    def used(self) -> Iterator[None]:
        """Put the average into the network inside the block."""
        if self._decay is None:
            yield
            return
        own = _copy(self._network)
        self._network.load_state_dict(self._average)
        try:
            yield
        finally:
            self._network.load_state_dict(own)

    def state(self) -> dict[str, Tensor]:
        """Return the average."""
        return self._average

    def load(self, state: dict[str, Tensor]) -> None:
        """Go on from an average."""
        for name, value in state.items():
            self._average[name].copy_(value)


class BestWeights:
    """The weights of the epoch with the least validation loss."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._weights: dict[str, Tensor] = {}
        self.loss = math.inf
        self.epoch = 0

    def offer(self, loss: float, *, epoch: int) -> None:
        """Keep the network's weights if this loss is the least so far."""
        if loss < self.loss:
            self.loss, self.epoch = loss, epoch
            self._weights = _copy(self._network)

    def restore(self) -> None:
        """Put the kept weights back."""
        self._network.load_state_dict(self._weights)

    def state(self) -> dict[str, Any]:
        """Return what was kept."""
        return {"weights": self._weights, "loss": self.loss, "epoch": self.epoch}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from what was kept."""
        self._weights, self.loss, self.epoch = state["weights"], state["loss"], state["epoch"]


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
