"""What a network is fitted to: targets of the cases and the loss of its logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shazam.config.cohort import Task
from shazam.config.training import TrainingConfig
from shazam.models.heads import Head
from shazam.training.bins import TimeBins, time_bins
from shazam.training.losses import cross_entropy, discrete_time_nll
from shazam.training.outcomes import Outcomes


class Target(Protocol):
    """A task's loss over rows of the cohort."""

    @property
    def head(self) -> Head: ...

    @property
    def n_outputs(self) -> int: ...

    @property
    def bins(self) -> TimeBins | None: ...

    def loss(self, logits: Tensor, *, rows: Tensor) -> Tensor:
        """Return the mean loss of logits ``[n, n_outputs]`` for cases ``rows`` ``[n]``."""
        ...

    @property
    def is_mean_over_cases(self) -> bool:
        """Whether the loss is the mean of what each case alone costs."""
        ...

    def n_informative(self, rows: Tensor) -> int:
        """Return how many of these cases bear on a choice: events, or cases with a label."""
        ...


@dataclass(frozen=True, slots=True)
class SurvivalTarget:
    """Discrete-time survival; ``intervals`` int64 [n_cases], ``events`` bool [n_cases]."""

    intervals: Tensor
    events: Tensor
    bins: TimeBins
    uncensored_weight: float
    head: Head = Head.DISCRETE_TIME
    is_mean_over_cases: bool = True

    @property
    def n_outputs(self) -> int:
        """One hazard per interval."""
        return self.bins.n_intervals

    def loss(self, logits: Tensor, *, rows: Tensor) -> Tensor:
        """Return the discrete-time negative log-likelihood."""
        return discrete_time_nll(
            logits,
            intervals=self.intervals[rows],
            events=self.events[rows],
            uncensored_weight=self.uncensored_weight,
        )

    def n_informative(self, rows: Tensor) -> int:
        """Return the number of events."""
        return int(self.events[rows].sum())


@dataclass(frozen=True, slots=True)
class ClassTarget:
    """Classification; ``labels`` int64 [n_cases]."""

    labels: Tensor
    n_outputs: int
    head: Head = Head.CLASSES
    is_mean_over_cases: bool = True
    bins: None = None

    def loss(self, logits: Tensor, *, rows: Tensor) -> Tensor:
        """Return the cross entropy."""
        return cross_entropy(logits, self.labels[rows])

    def n_informative(self, rows: Tensor) -> int:
        """Return the number of cases."""
        return len(rows)


def head_of(outcomes: Outcomes) -> Head:
    """Return what the outputs of a network mean that is fitted to outcomes."""
    match outcomes.task:
        case Task.SURVIVAL:
            return Head.DISCRETE_TIME
        case Task.CLASSIFICATION:
            return Head.CLASSES


def target_of(
    outcomes: Outcomes, *, train: npt.NDArray[np.int64], config: TrainingConfig
) -> Target:
    """Return the target of all cases, its intervals from the training cases only.

    Args:
        outcomes: of all cases.
        train: rows of the training cases.
        config: number of intervals, weight of the uncensored cases.

    Raises:
        ConfigError: no training case has an event.
    """
    if outcomes.task is Task.CLASSIFICATION:
        labels = torch.from_numpy(outcomes.class_labels())
        return ClassTarget(labels=labels, n_outputs=len(outcomes.classes))
    time_months, event = outcomes.survival()
    bins = time_bins(time_months[train], event=event[train], n_intervals=config.n_intervals)
    return SurvivalTarget(
        intervals=torch.from_numpy(bins.interval_of(time_months)),
        events=torch.from_numpy(event),
        bins=bins,
        uncensored_weight=config.uncensored_weight,
    )
