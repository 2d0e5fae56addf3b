"""What an arm is made of: its network, what the outputs mean, and its fitted members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from shazam.manifests import Entry
from shazam.models.heads import Head
from shazam.models.specs import AnySpec


class Stopping(StrEnum):
    """What ended a fit."""

    CLOSED_FORM = "closed_form"
    FIXED_EPOCHS = "fixed_epochs"
    VALIDATION_LOSS = "validation_loss"


class FusionRule(StrEnum):
    """``equal`` where inner validation has too few informative cases to learn weights from."""

    LEARNT = "learnt"
    EQUAL = "equal"


class FusionRecord(Entry):
    """The weight of each arm that a fusion is made of, and what it was learnt from."""

    rule: FusionRule
    arms: tuple[str, ...]
    weights: tuple[float, ...]
    n_informative: NonNegativeInt


class MemberRecord(Entry):
    """One fitted network: fold, seed, and how the fit went.

    ``cut_points_months`` and ``max_time_months`` are those of the training cases.
    ``kept_epoch`` is the epoch, counted from 1, whose weights were kept, and ``validation_loss``
    what it cost, where an epoch was chosen by it. ``validation_score`` is Harrell's C, balanced
    accuracy or the mean of Pearson's r of inner validation; None where it cannot be computed.
    ``value_means`` and ``value_sds`` are those of
    the targets of regression in the training cases; else empty. ``baseline_edges_months`` and
    ``baseline_log_hazard`` are those of a Cox model's :class:`~shazam.models.curves.Baseline`.
    """

    fold: NonNegativeInt
    seed: NonNegativeInt
    n_outputs: PositiveInt
    n_train_cases: PositiveInt
    stopping: Stopping
    n_epochs: NonNegativeInt
    n_steps: NonNegativeInt
    kept_epoch: NonNegativeInt
    cut_points_months: tuple[float, ...] = ()
    max_time_months: float | None = None
    validation_loss: float | None = None
    validation_score: float | None = None
    fusion: FusionRecord | None = None
    value_means: tuple[float, ...] = ()
    value_sds: tuple[float, ...] = ()
    baseline_edges_months: tuple[float, ...] = ()
    baseline_log_hazard: tuple[float, ...] = ()

    def in_units(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return scores ``[n, n_scores]`` in the units of the cohort table."""
        if not self.value_sds:
            return scores
        values: npt.NDArray[np.float64] = scores * self.value_sds + np.array(self.value_means)
        return values


@dataclass(frozen=True, slots=True)
class Member:
    """One fitted network.

    Args:
        record: how it came about.
        tensors: the network's state by name.
        validation_risks: float64 ``[n_validation]``, sorted risks of its inner-validation cases;
            None but for survival.
    """

    record: MemberRecord
    tensors: Mapping[str, Tensor]
    validation_risks: Tensor | None


@dataclass(frozen=True, slots=True)
class ArmResult:
    """A fitted arm.

    Args:
        arm: its name.
        predictions: a row per seed, fold, part and case.
        members: a network per seed and fold.
        spec: what the networks are.
        head: what their outputs mean.
        classes: names of the classes; empty but for classification.
        targets: names of the values; empty but for regression.
    """

    arm: str
    predictions: pd.DataFrame
    members: tuple[Member, ...]
    spec: AnySpec
    head: Head
    classes: tuple[str, ...]
    targets: tuple[str, ...] = ()


def load_network(spec: AnySpec, *, member: Member) -> nn.Module:
    """Return a member's network in evaluation mode."""
    network = spec.build(n_outputs=member.record.n_outputs)
    network.load_state_dict(dict(member.tensors))
    return network.eval()
