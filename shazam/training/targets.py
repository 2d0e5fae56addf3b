"""What a network is fitted to: targets of the cases and the loss of its logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from shazam.config.cohort import Task
from shazam.config.training import (
    CoxTies,
    RegressionLoss,
    SurvivalHead,
    TrainingConfig,
)
from shazam.models.heads import Head
from shazam.training.bins import TimeBins, time_bins
from shazam.training.class_weights import class_weights
from shazam.training.losses import (
    discrete_time_nll,
    masked_mse,
    pearson_loss,
    weighted_cross_entropy,
)
from shazam.training.outcomes import Outcomes
from shazam.training.partial_likelihood import cox_loss
from shazam.training.scale import value_scale


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
        """Return how many of these cases bear on a choice: events, or cases with an outcome."""
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
            intervals=self.intervals[rows].to(logits.device),
            events=self.events[rows].to(logits.device),
            uncensored_weight=self.uncensored_weight,
        )

    def n_informative(self, rows: Tensor) -> int:
        """Return the number of events."""
        return int(self.events[rows].sum())


@dataclass(frozen=True, slots=True)
class CoxTarget:
    """Cox survival; ``time_months`` float64 [n_cases], ``events`` bool [n_cases]."""

    time_months: Tensor
    events: Tensor
    ties: CoxTies
    head: Head = Head.LINEAR_RISK
    is_mean_over_cases: bool = False
    n_outputs: int = 1
    bins: None = None

    def loss(self, logits: Tensor, *, rows: Tensor) -> Tensor:
        """Return the negative log partial likelihood of the batch, per event."""
        return cox_loss(
            logits.squeeze(1),
            time_months=self.time_months[rows].to(logits.device),
            events=self.events[rows].to(logits.device),
            ties=self.ties,
        )

    def n_informative(self, rows: Tensor) -> int:
        """Return the number of events."""
        return int(self.events[rows].sum())


@dataclass(frozen=True, slots=True)
class ClassTarget:
    """Classification; ``labels`` int64 [n_cases], ``class_weights`` float [n_classes]."""

    labels: Tensor
    class_weights: Tensor
    head: Head = Head.CLASSES
    is_mean_over_cases: bool = True
    bins: None = None

    @property
    def n_outputs(self) -> int:
        """One logit per class."""
        return len(self.class_weights)

    def loss(self, logits: Tensor, *, rows: Tensor) -> Tensor:
        """Return the cross entropy, weighted by class."""
        return weighted_cross_entropy(
            logits,
            labels=self.labels[rows].to(logits.device),
            class_weights=self.class_weights.to(logits.device),
        )

    def n_informative(self, rows: Tensor) -> int:
        """Return the number of cases."""
        return len(rows)


@dataclass(frozen=True, slots=True)
class RegressionTarget:
    """Regression; ``values`` float32 [n_cases, n_targets], standardised, NaN if not measured.

    ``measured_per_case`` is the mean number of measured values of a training case.
    """

    values: Tensor
    measured_per_case: float
    kind: RegressionLoss
    head: Head = Head.VALUES
    bins: None = None

    @property
    def is_mean_over_cases(self) -> bool:
        """A correlation needs all cases of a batch at once."""
        return self.kind is RegressionLoss.MSE

    @property
    def n_outputs(self) -> int:
        """One value per target."""
        return self.values.shape[1]

    def loss(self, logits: Tensor, *, rows: Tensor) -> Tensor:
        """Return the squared error of what was measured, where asked with ``1 - r``."""
        targets = self.values[rows].to(logits.device)
        error = masked_mse(logits, targets=targets, measured_per_case=self.measured_per_case)
        match self.kind:
            case RegressionLoss.MSE:
                return error
            case RegressionLoss.MSE_PEARSON:
                return error + pearson_loss(logits, targets=targets)

    def n_informative(self, rows: Tensor) -> int:
        """Return the number of cases with at least one measured value."""
        return int((~self.values[rows].isnan()).any(dim=1).sum())


def head_of(outcomes: Outcomes, *, config: TrainingConfig) -> Head:
    """Return what the outputs of a network mean that is fitted to outcomes."""
    match outcomes.task:
        case Task.SURVIVAL if config.survival_head is SurvivalHead.COX:
            return Head.LINEAR_RISK
        case Task.SURVIVAL:
            return Head.DISCRETE_TIME
        case Task.CLASSIFICATION:
            return Head.CLASSES
        case Task.REGRESSION:
            return Head.VALUES


def target_of(
    outcomes: Outcomes, *, train: npt.NDArray[np.int64], config: TrainingConfig
) -> Target:
    """Return the target of all cases; what it is scaled by is from the training cases only.

    Args:
        outcomes: of all cases.
        train: rows of the training cases.
        config: head, number of intervals, weights, kind of loss.

    Raises:
        ConfigError: no training case has an event, or a target of regression is constant.
    """
    match outcomes.task:
        case Task.SURVIVAL:
            return _survival_target(outcomes, train=train, config=config)
        case Task.CLASSIFICATION:
            labels = outcomes.class_labels()
            weights = class_weights(
                labels[train], n_classes=len(outcomes.classes), kind=config.class_weights
            )
            return ClassTarget(
                labels=torch.from_numpy(labels), class_weights=torch.from_numpy(weights).float()
            )
        case Task.REGRESSION:
            scale = value_scale(outcomes, train=train)
            standard = torch.from_numpy(scale.standardised(outcomes.target_values())).float()
            n_measured = (~standard[torch.from_numpy(train)].isnan()).sum(dim=1)
            return RegressionTarget(
                values=standard,
                measured_per_case=float(n_measured.double().mean()),
                kind=config.regression_loss,
            )


def _survival_target(
    outcomes: Outcomes, *, train: npt.NDArray[np.int64], config: TrainingConfig
) -> SurvivalTarget | CoxTarget:
    time_months, event = outcomes.survival()
    events = torch.from_numpy(event)
    match config.survival_head:
        case SurvivalHead.COX:
            return CoxTarget(
                time_months=torch.from_numpy(time_months), events=events, ties=config.cox_ties
            )
        case SurvivalHead.DISCRETE_TIME:
            bins = time_bins(time_months[train], event=event[train], n_intervals=config.n_intervals)
            return SurvivalTarget(
                intervals=torch.from_numpy(bins.interval_of(time_months)),
                events=events,
                bins=bins,
                uncensored_weight=config.uncensored_weight,
            )
