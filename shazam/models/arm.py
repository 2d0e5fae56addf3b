"""What an arm is made of: its network, what the outputs mean, and its fitted members."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from shazam.manifests import Entry
from shazam.models.abmil import Abmil
from shazam.models.heads import Head
from shazam.models.mean_pool import MeanPool
from shazam.models.segments import Source
from shazam.models.student import FusionStudent, StudentShape


class MeanPoolSpec(Entry):
    """A linear model on mean features; ``dim_in`` features of a tile."""

    kind: Literal["mean_pool"] = "mean_pool"
    teacher: str
    level: str
    dim_in: PositiveInt


class AbmilSpec(Entry):
    """ABMIL on one level of one teacher; ``dim`` features of the pooled case."""

    kind: Literal["abmil"] = "abmil"
    teacher: str
    level: str
    dim_in: PositiveInt
    dim: PositiveInt


class StudentSpec(Entry):
    """The fusion student v2."""

    kind: Literal["fusion_student_v2"] = "fusion_student_v2"
    shape: StudentShape


ArmSpec = Annotated[MeanPoolSpec | AbmilSpec | StudentSpec, Field(discriminator="kind")]


class Stopping(StrEnum):
    """What ended a fit."""

    CLOSED_FORM = "closed_form"
    FIXED_EPOCHS = "fixed_epochs"
    VALIDATION_LOSS = "validation_loss"


class MemberRecord(Entry):
    """One fitted network: fold, seed, and how the fit went.

    ``cut_points_months`` and ``max_time_months`` are those of the training cases.
    ``kept_epoch`` is the epoch, counted from 1, whose weights were kept.
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


@dataclass(frozen=True, slots=True)
class Member:
    """One fitted network.

    Args:
        record: how it came about.
        tensors: the network's state by name.
        validation_risks: float64 ``[n_validation]``, sorted risks of its inner-validation cases;
            None for classification.
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
        classes: names of the classes; empty for survival.
    """

    arm: str
    predictions: pd.DataFrame
    members: tuple[Member, ...]
    spec: MeanPoolSpec | AbmilSpec | StudentSpec
    head: Head
    classes: tuple[str, ...]


def sources_of(spec: MeanPoolSpec | AbmilSpec | StudentSpec) -> tuple[Source, ...]:
    """Return the (teacher, level) pairs that the networks read."""
    match spec:
        case MeanPoolSpec() | AbmilSpec():
            return ((spec.teacher, spec.level),)
        case StudentSpec():
            shape = spec.shape
            return tuple((name, level) for level in shape.levels for name in shape.teachers)


def build_network(
    spec: MeanPoolSpec | AbmilSpec | StudentSpec, *, n_outputs: int
) -> MeanPool | Abmil | FusionStudent:
    """Return a network with freshly drawn weights."""
    match spec:
        case MeanPoolSpec():
            source = (spec.teacher, spec.level)
            return MeanPool(source, dim_in=spec.dim_in, n_outputs=n_outputs)
        case AbmilSpec():
            source = (spec.teacher, spec.level)
            return Abmil(source, dim_in=spec.dim_in, dim=spec.dim, n_outputs=n_outputs)
        case StudentSpec():
            return FusionStudent(spec.shape, n_outputs=n_outputs)


def load_network(spec: MeanPoolSpec | AbmilSpec | StudentSpec, *, member: Member) -> nn.Module:
    """Return a member's network in evaluation mode."""
    network = build_network(spec, n_outputs=member.record.n_outputs)
    network.load_state_dict(dict(member.tensors))
    return network.eval()
