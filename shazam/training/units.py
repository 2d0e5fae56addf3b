"""Units of work: an arm is fitted once per fold and seed, always on the same cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn

from shazam.cohort.folds import Splits
from shazam.config.cohort import Task
from shazam.errors import ConfigError
from shazam.features.bags import PackedBags
from shazam.models.arm import (
    ArmResult,
    Member,
    MemberRecord,
    Stopping,
)
from shazam.models.heads import Head
from shazam.models.score import score_bags, score_columns, score_table
from shazam.models.specs import AnySpec
from shazam.progress import MakeProgress
from shazam.training.bins import TimeBins
from shazam.training.fit import FitReport
from shazam.training.learnable import check_finite, check_learnable, permuted
from shazam.training.outcomes import Outcomes, rows_of
from shazam.training.reproducible import reproducible, unit_seed
from shazam.training.scale import value_scale


@dataclass(frozen=True, slots=True)
class Unit:
    """One fold and seed; ``train``, ``validation`` and ``test`` are rows of the bags, int64."""

    fold: int
    seed: int
    train: npt.NDArray[np.int64]
    validation: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted network; ``report`` is None when it was solved and not descended to."""

    network: nn.Module
    n_outputs: int
    report: FitReport | None
    bins: TimeBins | None


@dataclass(frozen=True, slots=True)
class Arm:
    """What is fitted: name, network, head, and the function that fits one unit."""

    name: str
    spec: AnySpec
    head: Head
    fit_unit: Callable[[Unit], Fitted]


def prepare_outcomes(
    outcomes: Outcomes, *, bags: PackedBags, splits: Splits, permutation_seed: int | None
) -> Outcomes:
    """Check outcomes against bags and folds, and permute them if a seed is given.

    Raises:
        ConfigError: other cases than the bags', an outcome that is no number, or a training part
            that cannot be learnt from.
    """
    if outcomes.case_ids != bags.case_ids:
        raise ConfigError("outcomes and features are of other cases, or in another order")
    check_finite(outcomes)
    check_learnable(outcomes, splits=splits)
    if permutation_seed is None:
        return outcomes
    return permuted(outcomes, splits=splits, seed=permutation_seed)


def fit_units(
    arm: Arm,
    *,
    bags: PackedBags,
    splits: Splits,
    seeds: Sequence[int],
    outcomes: Outcomes,
    progress: MakeProgress,
) -> ArmResult:
    """Fit an arm for every seed and fold and score its validation and test cases.

    A network for regression gives standardised values; they are put back in the units of the
    cohort table here, by the scale of the unit's training cases.

    Args:
        arm: what is fitted.
        bags: features of all cases.
        splits: outer folds with inner validation.
        seeds: of the fits.
        outcomes: what it is fitted to; gives the names and the scale of the scores.
        progress: told of every unit that is done.
    """
    units = _units(splits, seeds=seeds, case_ids=bags.case_ids)
    tables: list[pd.DataFrame] = []
    members: list[Member] = []
    with progress(len(units)) as bar:
        for unit in units:
            with reproducible(seed=unit_seed(unit.seed, fold=unit.fold)):
                fitted = arm.fit_unit(unit)
                record = _record(fitted, unit=unit, outcomes=outcomes)
                parts = {
                    name: _scored(
                        arm, fitted, record=record, bags=bags, rows=rows, outcomes=outcomes
                    )
                    for name, rows in (("validation", unit.validation), ("test", unit.test))
                }
            tables += [_labelled(table, arm=arm, unit=unit, part=n) for n, table in parts.items()]
            members.append(_member(fitted, record=record, validation=parts["validation"]))
            bar.advance()
    return ArmResult(
        arm=arm.name,
        predictions=pd.concat(tables, ignore_index=True),
        members=tuple(members),
        spec=arm.spec,
        head=arm.head,
        classes=outcomes.classes,
        targets=outcomes.targets,
    )


def _units(splits: Splits, *, seeds: Sequence[int], case_ids: Sequence[str]) -> list[Unit]:
    return [
        Unit(
            fold=number,
            seed=seed,
            train=rows_of(fold.train, case_ids=case_ids),
            validation=rows_of(fold.validation, case_ids=case_ids),
            test=rows_of(fold.test, case_ids=case_ids),
        )
        for seed in seeds
        for number, fold in enumerate(splits.folds)
    ]


def _scored(
    arm: Arm,
    fitted: Fitted,
    *,
    record: MemberRecord,
    bags: PackedBags,
    rows: npt.NDArray[np.int64],
    outcomes: Outcomes,
) -> pd.DataFrame:
    part = bags.select(rows.tolist())
    scores = record.in_units(score_bags(fitted.network, part, head=arm.head))
    columns = score_columns(head=arm.head, classes=outcomes.classes, targets=outcomes.targets)
    return score_table(scores, case_ids=part.case_ids, columns=columns)


def _labelled(table: pd.DataFrame, *, arm: Arm, unit: Unit, part: str) -> pd.DataFrame:
    labelled = table.copy()
    labelled.insert(0, "arm", arm.name)
    labelled.insert(1, "seed", np.int64(unit.seed))
    labelled.insert(2, "fold", np.int64(unit.fold))
    labelled.insert(3, "part", part)
    return labelled


def _record(fitted: Fitted, *, unit: Unit, outcomes: Outcomes) -> MemberRecord:
    report = fitted.report or FitReport(Stopping.CLOSED_FORM, 0, 0, kept_epoch=0)
    bins = fitted.bins
    scale = None
    if outcomes.task is Task.REGRESSION:
        scale = value_scale(outcomes, train=unit.train)
    return MemberRecord(
        fold=unit.fold,
        seed=unit.seed,
        n_outputs=fitted.n_outputs,
        n_train_cases=len(unit.train),
        stopping=report.stopping,
        n_epochs=report.n_epochs,
        n_steps=report.n_steps,
        kept_epoch=report.kept_epoch,
        cut_points_months=bins.cut_points_months if bins else (),
        max_time_months=bins.max_time_months if bins else None,
        value_means=tuple(scale.mean.tolist()) if scale else (),
        value_sds=tuple(scale.sd.tolist()) if scale else (),
    )


def _member(fitted: Fitted, *, record: MemberRecord, validation: pd.DataFrame) -> Member:
    risks = None
    if "risk" in validation:
        risks = torch.from_numpy(np.sort(validation["risk"].to_numpy(dtype=np.float64)))
    tensors = {name: t.detach().clone() for name, t in fitted.network.state_dict().items()}
    return Member(record=record, tensors=tensors, validation_risks=risks)
