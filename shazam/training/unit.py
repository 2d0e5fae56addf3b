"""A unit of work, one fold and seed of an arm, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import nn

from shazam.models.curves import Baseline
from shazam.training.bins import TimeBins
from shazam.training.checkpoint import Checkpoint
from shazam.training.fit import FitReport


@dataclass(frozen=True, slots=True)
class Unit:
    """One fold and seed; ``train``, ``validation`` and ``test`` are rows of the bags, int64."""

    fold: int
    seed: int
    train: npt.NDArray[np.int64]
    validation: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted network; ``report`` is None when it was solved and not descended to.

    ``baseline`` is that of a solved Cox model; a descended one gets it afterwards.
    """

    network: nn.Module
    n_outputs: int
    report: FitReport | None
    bins: TimeBins | None
    baseline: Baseline | None = None
