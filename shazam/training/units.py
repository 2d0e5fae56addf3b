"""Units of work: an arm is fitted once per fold and seed, always on the same cases."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from shazam.config.training import TrainingConfig
from shazam.errors import ArtifactError, ConfigError
from shazam.models.arm import (
    ArmResult,
    MemberRecord,
)
from shazam.models.curves import Baseline, curve_table
from shazam.models.heads import Head, scores_of
from shazam.models.score import outputs_of, score_columns, score_table
from shazam.models.specs import AnySpec
from shazam.predictions import N_MISSING, output_columns
from shazam.progress import MakeProgress
from shazam.training.batches import Feed
from shazam.training.breslow import breslow
from shazam.training.checkpoint import Checkpoint
from shazam.training.execution import Execution
from shazam.training.fit import Objective, fit
from shazam.training.outcomes import rows_of
from shazam.training.parallel import run_all
from shazam.training.reproducible import reproducible, unit_seed
from shazam.training.study import Study
from shazam.training.unit import Fitted, Unit
from shazam.training.unit_file import UnitResult, read_unit, write_unit
from shazam.training.unit_records import member_of, record_of, seen_by_any
from shazam.training.validation_score import validation_score


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

    A network for regression gives standardised values; they are put back in the units of the
    cohort table here, by the scale of the unit's training cases.

    Args:
        arm: what is fitted.
        study: what it is fitted on.
        config: seeds and threads.
        execution: how it is carried out.
        progress: told of every unit that is done.

    Raises:
        TrainingError: a loss is NaN or infinite, or a process was killed.
    """
    units = _units(study, seeds=config.seeds)
    work = UnitWork(arm=arm, study=study, config=config, folder=execution.checkpoints)
    results = _results(work, units, n_workers=_workers(execution, config), progress=progress)
    tables = [
        _labelled(table, arm=arm, unit=unit, part=part)
        for unit, result in zip(units, results, strict=True)
        for part, table in result.scores.items()
    ]
    return ArmResult(
        arm=arm.name,
        predictions=pd.concat(tables, ignore_index=True),
        members=tuple(result.member for result in results),
        spec=arm.spec,
        head=arm.head,
        classes=study.outcomes.classes,
        targets=study.outcomes.targets,
    )


@dataclass(frozen=True, slots=True)
class UnitWork:
    """Fits and scores one unit, in whatever process.

    Args:
        arm: what is fitted.
        study: what it is fitted on.
        config: threads, and tiles that are computed at once.
        folder: where states and results are kept; None keeps none.
    """

    arm: Arm
    study: Study
    config: TrainingConfig
    folder: Path | None

    def fit(self, unit: Unit) -> UnitResult:
        """Fit a unit, or go on with its fit, and score its validation and test cases."""
        with reproducible(seed=unit_seed(unit.seed, fold=unit.fold), n_threads=self.config.threads):
            fitted = self.arm.fit_unit(replace(unit, checkpoint=self._checkpoint(unit)))
            fitted = replace(fitted, baseline=self._baseline(fitted, unit=unit))
            record = record_of(fitted, unit=unit, outcomes=self.study.outcomes)
            scores = {
                name: self._scored(fitted, record=record, rows=rows)
                for name, rows in (("validation", unit.validation), ("test", unit.test))
            }
        score = validation_score(
            scores["validation"], outcomes=self.study.outcomes, rows=unit.validation
        )
        record = record.model_copy(update={"validation_score": score})
        seen = seen_by_any(self.study.bags, rows=unit.validation)
        member = member_of(fitted, record=record, validation=scores["validation"][seen])
        return UnitResult(member, scores)

    def fit_to_file(self, unit: Unit) -> None:
        """Fit a unit and publish its result, unless that was done before."""
        path = self.result_path(unit)
        if read_unit(path) is not None:
            return
        write_unit(path, self.fit(unit))
        if checkpoint := self._checkpoint(unit):
            checkpoint.path.unlink(missing_ok=True)

    def result_path(self, unit: Unit) -> Path:
        """Return where a unit's result is kept."""
        if self.folder is None:
            raise ValueError("this work keeps no results")
        return self.folder / f"fold{unit.fold}.seed{unit.seed}.done.pt"

    def _checkpoint(self, unit: Unit) -> Checkpoint | None:
        if self.folder is None:
            return None
        return Checkpoint(self.folder / f"fold{unit.fold}.seed{unit.seed}.pt")

    def _scored(
        self, fitted: Fitted, *, record: MemberRecord, rows: npt.NDArray[np.int64]
    ) -> pd.DataFrame:
        bags, head, outcomes = self.study.bags, self.arm.head, self.study.outcomes
        outputs = self._outputs(fitted, rows=rows)
        table = score_table(
            record.in_units(scores_of(outputs, head=head)),
            case_ids=[bags.case_ids[row] for row in rows],
            columns=score_columns(head=head, classes=outcomes.classes, targets=outcomes.targets),
        )
        table[output_columns(outputs.shape[1])] = outputs.numpy()
        if bags.present:
            masks = [mask[torch.from_numpy(rows)] for mask in bags.present.values()]
            table[N_MISSING] = (~torch.stack(masks)).sum(dim=0).double().numpy()
        return pd.concat([table, curve_table(outputs.numpy(), head=head, record=record)], axis=1)

    def _outputs(self, fitted: Fitted, *, rows: npt.NDArray[np.int64]) -> torch.Tensor:
        return outputs_of(
            fitted.network,
            self.study.bags,
            rows=torch.from_numpy(rows),
            tile_budget=self.config.tile_budget,
        ).double()

    def _baseline(self, fitted: Fitted, *, unit: Unit) -> Baseline | None:
        """Return the baseline of a Cox model.

        That of a network is from inner validation: its training risks are too spread. Where too
        few events are there, it has to be from training.
        """
        if self.arm.head is not Head.LINEAR_RISK or fitted.baseline is not None:
            return fitted.baseline
        time_months, event = self.study.outcomes.survival()
        enough = event[unit.validation].sum() >= self.config.min_validation_events
        rows = unit.validation if enough else unit.train
        risks = self._outputs(fitted, rows=rows)[:, 0].numpy()
        return breslow(risks, time_months=time_months[rows], event=event[rows])


def _workers(execution: Execution, config: TrainingConfig) -> int:
    if execution.n_workers is not None:
        return execution.n_workers
    if device_of(config.device).type != "cpu":
        return 1
    return max(len(os.sched_getaffinity(0)) // config.threads, 1)


def _results(
    work: UnitWork, units: Sequence[Unit], *, n_workers: int, progress: MakeProgress
) -> list[UnitResult]:
    with progress(len(units)) as bar:
        if work.folder is None:
            results = []
            for unit in units:
                results.append(work.fit(unit))
                bar.advance()
            return results
        for _ in run_all(work.fit_to_file, units, n_workers=n_workers):
            bar.advance()
    return [_read_result(work.result_path(unit)) for unit in units]


def _read_result(path: Path) -> UnitResult:
    result = read_unit(path)
    if result is None:
        raise ArtifactError(f"{path}: vanished or was altered; run again")
    return result


def _units(study: Study, *, seeds: Sequence[int]) -> list[Unit]:
    case_ids = study.bags.case_ids
    return [
        Unit(
            fold=number,
            seed=seed,
            train=rows_of(fold.train, case_ids=case_ids),
            validation=rows_of(fold.validation, case_ids=case_ids),
            test=rows_of(fold.test, case_ids=case_ids),
        )
        for seed in seeds
        for number, fold in enumerate(study.splits.folds)
    ]


def _labelled(table: pd.DataFrame, *, arm: Arm, unit: Unit, part: str) -> pd.DataFrame:
    labelled = table.copy()
    labelled.insert(0, "arm", arm.name)
    labelled.insert(1, "seed", np.int64(unit.seed))
    labelled.insert(2, "fold", np.int64(unit.fold))
    labelled.insert(3, "part", part)
    return labelled
