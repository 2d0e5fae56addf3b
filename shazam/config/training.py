"""The section on training: one budget for all arms."""

from __future__ import annotations

from pydantic import Field, NonNegativeInt, model_validator

from shazam.config.section import Fraction, Section


class TrainingConfig(Section):
    """One optimiser budget for all arms that are compared."""

    seeds: tuple[NonNegativeInt, ...] = Field(default=(0,), min_length=1)
    max_epochs: int = Field(default=30, ge=1)
    batch_cases: int = Field(default=16, ge=1)
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-3, ge=0)
    warmup_fraction: Fraction = 0.1
    gradient_clip: float = Field(default=1.0, gt=0)
    patience_epochs: int = Field(default=8, ge=1)
    min_validation_events: int = Field(default=15, ge=1)
    n_intervals: int = Field(default=4, ge=2, le=32)
    uncensored_weight: Fraction = 0.4
    pca_components: int = Field(default=16, ge=1)
    ridge: float = Field(default=10.0, gt=0)

    @model_validator(mode="after")
    def _seeds_differ(self) -> TrainingConfig:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("a seed is named twice")
        return self

    abmil_dim: int = Field(default=128, ge=8, le=2048)
