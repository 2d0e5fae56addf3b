"""The section on training: one budget for all arms."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, model_validator

from shazam.config.extraction import Precision
from shazam.config.section import Fraction, Section

# Cox compares the cases of a batch with each other; fewer give few and noisy risk sets
MIN_COX_BATCH_CASES = 64


Seed = Annotated[int, Field(ge=0, lt=2**63)]


class SurvivalHead(StrEnum):
    """What a network predicts of survival."""

    DISCRETE_TIME = "discrete_time"
    COX = "cox"


class CoxTies(StrEnum):
    """How the Cox partial likelihood treats equal times of events."""

    EFRON = "efron"
    BRESLOW = "breslow"


class ClassWeights(StrEnum):
    """``balanced``: every class has the same share of the loss, whatever its number of cases."""

    NONE = "none"
    BALANCED = "balanced"


class RegressionLoss(StrEnum):
    """``mse_pearson`` adds ``1 - r``, r being the correlation in the batch, to the error."""

    MSE = "mse"
    MSE_PEARSON = "mse_pearson"


class TrainingConfig(Section):
    """One optimiser budget for all arms that are compared.

    ``tiles_per_case`` are drawn anew for each case and epoch in training; None takes all.
    ``tile_budget`` tiles are computed at a time. ``threads`` compute one fit; several fits are
    run side by side.
    """

    seeds: tuple[Seed, ...] = Field(default=(0,), min_length=1)
    max_epochs: int = Field(default=30, ge=1)
    batch_cases: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-3, ge=0)
    warmup_fraction: Fraction = 0.1
    tiles_per_case: int | None = Field(default=None, ge=1)
    tile_budget: int = Field(default=16_384, ge=1)
    device: str = Field(default="auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$")
    precision: Precision = Precision.AUTO
    threads: int = Field(default=1, ge=1, le=256)
    ema_decay: float | None = Field(default=None, gt=0, lt=1)
    gradient_clip: float = Field(default=1.0, gt=0)
    patience_epochs: int = Field(default=8, ge=1)
    min_validation_events: int = Field(default=15, ge=1)
    n_intervals: int = Field(default=4, ge=2, le=32)
    uncensored_weight: Fraction = 0.4
    survival_head: SurvivalHead = SurvivalHead.DISCRETE_TIME
    cox_ties: CoxTies = CoxTies.EFRON
    class_weights: ClassWeights = ClassWeights.NONE
    regression_loss: RegressionLoss = RegressionLoss.MSE
    pca_components: int = Field(default=16, ge=1)
    ridge: float = Field(default=10.0, gt=0)

    abmil_dim: int = Field(default=128, ge=8, le=2048)

    def uses_bfloat16(self, device_type: str) -> bool:
        """Return whether networks compute in bfloat16 on ``cpu`` or ``cuda``."""
        if self.precision is Precision.AUTO:
            return device_type == "cuda"
        return self.precision is Precision.BFLOAT16

    @model_validator(mode="after")
    def _seeds_differ(self) -> TrainingConfig:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("a seed is named twice")
        return self

    @model_validator(mode="after")
    def _correlated_batches_hold_several(self) -> TrainingConfig:
        if self.regression_loss is RegressionLoss.MSE_PEARSON and self.batch_cases < 2:
            raise ValueError(
                "batch_cases: 1 has no correlation for regression_loss mse_pearson; set "
                "training.batch_cases to 2 or more"
            )
        return self

    @model_validator(mode="after")
    def _cox_batches_are_large(self) -> TrainingConfig:
        too_small = self.batch_cases < MIN_COX_BATCH_CASES
        if self.survival_head is SurvivalHead.COX and too_small:
            raise ValueError(
                f"batch_cases: {self.batch_cases} is too small for survival_head cox, which "
                "compares a case with an event only to the cases of its batch; set "
                f"training.batch_cases to {MIN_COX_BATCH_CASES} or more"
            )
        return self
