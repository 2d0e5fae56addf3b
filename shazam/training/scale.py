"""The scale of regression: values are standardised by the training cases, predictions put back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shazam.errors import ConfigError
from shazam.training.learnable import varies
from shazam.training.outcomes import Outcomes


@dataclass(frozen=True, slots=True)
class ValueScale:
    """Mean and standard deviation of each target, float64 [n_targets]."""

    mean: npt.NDArray[np.float64]
    sd: npt.NDArray[np.float64]

    def standardised(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Standardise ``[n, n_targets]``; NaN stays NaN."""
        standard: npt.NDArray[np.float64] = (values - self.mean) / self.sd
        return standard


def value_scale(outcomes: Outcomes, *, train: npt.NDArray[np.int64]) -> ValueScale:
    """Return the scale of the targets, from what was measured in the training cases only.

    Raises:
        ConfigError: a target has fewer than two different values there.
    """
    values = outcomes.target_values()[train]
    moving = varies(values)
    if still := [name for name, moves in zip(outcomes.targets, moving, strict=True) if not moves]:
        raise ConfigError(
            f"target {', '.join(still)} is constant in training; remove it from cohort.targets or "
            "use fewer folds"
        )
    return ValueScale(mean=np.nanmean(values, axis=0), sd=np.nanstd(values, axis=0))
