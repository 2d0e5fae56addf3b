"""Units of work: an arm is fitted once per fold and seed, always on the same cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn

from shazam.config.training import TrainingConfig
from shazam.errors import ConfigError
from shazam.models.arm import (
    ArmResult,
    Member,
    MemberRecord,
    Stopping,
)
from shazam.models.heads import Head, scores_of
from shazam.models.score import outputs_of, score_columns, score_table
from shazam.models.segments import BagSource
from shazam.models.specs import AnySpec
from shazam.predictions import output_columns
from shazam.progress import MakeProgress
from shazam.training.batches import Feed
from shazam.training.bins import TimeBins
from shazam.training.checkpoint import Checkpoint
from shazam.training.execution import Execution
from shazam.training.fit import FitReport, Objective, fit
from shazam.training.outcomes import rows_of
from shazam.training.reproducible import reproducible, unit_seed
from shazam.training.study import Study


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


def descend(objective: Objective, *, unit: Unit, study: Study, config: TrainingConfig) -> Fitted:
    """Fit a network to a unit's training cases, its epoch chosen on the validation cases."""
    feed = Feed(
        bags=study.bags,
        tiles_per_case=config.tiles_per_case,
        tile_budget=config.tile_budget,
        seed=unit_seed(unit.seed, fold=unit.fold),
        device=device_of(config.device),
    )
    report = fit(
        objective,
        feed=feed,
        train=torch.from_numpy(unit.train),
        validation=torch.from_numpy(unit.validation),
        config=config,
        checkpoint=unit.checkpoint,
    )
    target = objective.target
    network = objective.network.cpu()
    return Fitted(network=network, n_outputs=target.n_outputs, report=report, bins=target.bins)


def device_of(name: str) -> torch.device:
    """Return a device by its name in the config; ``auto`` is a GPU where there is one.

    Raises:
        ConfigError: no GPU is visible.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise ConfigError(f"device {name}: no GPU is visible; set training.device to auto or cpu")
    return torch.device(name)


def fit_units(
    arm: Arm,
    *,
    study: Study,
    config: TrainingConfig,
    execution: Execution,
    progress: MakeProgress,
) -> ArmResult:
    """Fit an arm for every seed and fold and score its validation and test cases.

    Args:
        arm: what is fitted.
        study: what it is fitted on.
        config: seeds and threads.
        execution: how it is carried out.
        progress: told of every unit that is done.
    """
    classes = study.outcomes.classes
    units = _units(study, seeds=config.seeds, execution=execution)
    tables: list[pd.DataFrame] = []
    members: list[Member] = []
    with progress(len(units)) as bar:
        for unit in units:
            seed = unit_seed(unit.seed, fold=unit.fold)
            with reproducible(seed=seed, n_threads=config.threads):
                fitted = arm.fit_unit(unit)
                parts = {
                    name: _scored(arm, fitted, bags=study.bags, rows=rows, classes=classes)
                    for name, rows in (("validation", unit.validation), ("test", unit.test))
                }
            tables += [_labelled(table, arm=arm, unit=unit, part=n) for n, table in parts.items()]
            members.append(_member(fitted, unit=unit, validation=parts["validation"]))
            bar.advance()
    return ArmResult(
        arm=arm.name,
        predictions=pd.concat(tables, ignore_index=True),
        members=tuple(members),
        spec=arm.spec,
        head=arm.head,
        classes=classes,
    )


def _units(study: Study, *, seeds: Sequence[int], execution: Execution) -> list[Unit]:
    case_ids = study.bags.case_ids
    return [
        Unit(
            fold=number,
            seed=seed,
            train=rows_of(fold.train, case_ids=case_ids),
            validation=rows_of(fold.validation, case_ids=case_ids),
            test=rows_of(fold.test, case_ids=case_ids),
            checkpoint=_checkpoint(execution, fold=number, seed=seed),
        )
        for seed in seeds
        for number, fold in enumerate(study.splits.folds)
    ]


def _checkpoint(execution: Execution, *, fold: int, seed: int) -> Checkpoint | None:
    if execution.checkpoints is None:
        return None
    return Checkpoint(execution.checkpoints / f"fold{fold}.seed{seed}.pt")


def _scored(
    arm: Arm,
    fitted: Fitted,
    *,
    bags: BagSource,
    rows: npt.NDArray[np.int64],
    classes: tuple[str, ...],
) -> pd.DataFrame:
    outputs = outputs_of(fitted.network, bags, rows=torch.from_numpy(rows)).double()
    columns = score_columns(head=arm.head, classes=classes)
    case_ids = [bags.case_ids[row] for row in rows]
    table = score_table(scores_of(outputs, head=arm.head), case_ids=case_ids, columns=columns)
    table[output_columns(outputs.shape[1])] = outputs.numpy()
    return table


def _labelled(table: pd.DataFrame, *, arm: Arm, unit: Unit, part: str) -> pd.DataFrame:
    labelled = table.copy()
    labelled.insert(0, "arm", arm.name)
    labelled.insert(1, "seed", np.int64(unit.seed))
    labelled.insert(2, "fold", np.int64(unit.fold))
    labelled.insert(3, "part", part)
    return labelled


def _member(fitted: Fitted, *, unit: Unit, validation: pd.DataFrame) -> Member:
    report = fitted.report or FitReport(Stopping.CLOSED_FORM, 0, 0, kept_epoch=0)
    bins = fitted.bins
    record = MemberRecord(
        fold=unit.fold,
        seed=unit.seed,
        n_outputs=fitted.n_outputs,
        n_train_cases=len(unit.train),
        stopping=report.stopping,
        n_epochs=report.n_epochs,
        n_steps=report.n_steps,
        kept_epoch=report.kept_epoch,
        validation_loss=report.validation_loss,
        cut_points_months=bins.cut_points_months if bins else (),
        max_time_months=bins.max_time_months if bins else None,
    )
    risks = None
    if "risk" in validation:
        risks = torch.from_numpy(np.sort(validation["risk"].to_numpy(dtype=np.float64)))
    tensors = {name: t.detach().clone() for name, t in fitted.network.state_dict().items()}
    return Member(record=record, tensors=tensors, validation_risks=risks)
