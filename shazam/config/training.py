"""The section on training: one budget for all arms."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, model_validator

from shazam.config.extraction import Precision
from shazam.config.section import Fraction, Section


class TrainingConfig(Section):
    """One optimiser budget for all arms that are compared.

    ``tiles_per_case`` are drawn anew for each case and epoch in training; None takes all.
    ``tile_budget`` tiles are computed at a time. ``threads`` compute one fit; several fits are
    run side by side.
    """

    seeds: tuple[NonNegativeInt, ...] = Field(default=(0,), min_length=1)
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
