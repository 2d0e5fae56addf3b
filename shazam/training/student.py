"""The student arm: the fusion student v2, distilled from all teachers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from shazam.cohort.folds import Splits
from shazam.config.arms import FUSION_STUDENT
from shazam.config.student import StudentConfig, Variant
from shazam.config.training import TrainingConfig
from shazam.errors import ConfigError
from shazam.features.bags import PackedBags
from shazam.features.store import LEVELS
from shazam.manifests import TeacherIdentity
from shazam.models.arm import ArmResult
from shazam.models.segments import Segments
from shazam.models.specs import StudentSpec
from shazam.models.student import FusionStudent, StudentOutput, StudentShape
from shazam.progress import MakeProgress
from shazam.training.distillation import (
    CorrectedDistillation,
    FaithfulDistillation,
    standard_targets,
)
from shazam.training.fit import fit
from shazam.training.outcomes import Outcomes
from shazam.training.targets import Target, head_of, target_of
from shazam.training.units import Arm, Fitted, Unit, fit_units, prepare_outcomes


@dataclass(frozen=True, slots=True)
class _Objective:
    network: FusionStudent
    bags: PackedBags
    target: Target
    helpers: CorrectedDistillation | FaithfulDistillation
    distillation_weight: float

    def training_loss(self, rows: Tensor) -> Tensor:
        output = self._encode(rows)
        distilled = self.helpers.loss(output, rows=rows)
        return self.target.loss(output.logits, rows=rows) + self.distillation_weight * distilled

    def task_loss(self, rows: Tensor) -> Tensor:
        return self.target.loss(self._encode(rows).logits, rows=rows)

    def n_informative(self, rows: Tensor) -> int:
        return self.target.n_informative(rows)

    def _encode(self, rows: Tensor) -> StudentOutput:
        batch = self.bags.select(rows.tolist())
        return self.network.encode(batch.levels, segments=Segments(batch.offsets))


def fit_student(
    *,
    bags: PackedBags,
    outcomes: Outcomes,
    splits: Splits,
    config: TrainingConfig,
    student: StudentConfig,
    teachers: tuple[TeacherIdentity, ...],
    permutation_seed: int | None,
    progress: MakeProgress,
) -> ArmResult:
    """Fit the student for every fold and seed on the levels that the bags hold.

    Args:
        bags: features of all teachers.
        outcomes: of the same cases, in the same order.
        splits: outer folds with inner validation.
        config: the optimiser budget, shared by all arms.
        student: form and size.
        teachers: whom it is distilled from, in this order.
        permutation_seed: permutes the outcomes by case first (the null canary); None does not.
        progress: told of every fold and seed that is done.

    Raises:
        ConfigError: the bags lack a teacher, or a fold cannot be learnt from.
    """
    used = prepare_outcomes(outcomes, bags=bags, splits=splits, permutation_seed=permutation_seed)
    shape = _shape(bags, teachers=teachers, student=student)
    own = _own_bags(bags, shape=shape)

    def fit_unit(unit: Unit) -> Fitted:
        return _fit(unit, shape=shape, bags=own, outcomes=used, config=config, student=student)

    return fit_units(
        Arm(
            name=FUSION_STUDENT,
            spec=StudentSpec(shape=shape),
            head=head_of(outcomes.task, config=config),
            fit_unit=fit_unit,
        ),
        bags=own,
        splits=splits,
        seeds=config.seeds,
        outcomes=used,
        progress=progress,
    )


def _shape(
    bags: PackedBags, *, teachers: tuple[TeacherIdentity, ...], student: StudentConfig
) -> StudentShape:
    names = tuple(teacher.name for teacher in teachers)
    levels = tuple(level for level in LEVELS if all((name, level) in bags.levels for name in names))
    if not names or not levels:
        raise ConfigError(f"no level that all of {list(names)} have; there are {list(bags.levels)}")
    return StudentShape(
        teachers=names,
        levels=levels,
        dims=tuple(tuple(bags.levels[name, lv].shape[1] for name in names) for lv in levels),
        dim=student.dim,
        n_blocks=student.n_blocks,
        dropout=student.dropout,
        variant=student.variant,
    )


def _own_bags(bags: PackedBags, *, shape: StudentShape) -> PackedBags:
    sources = [(name, level) for level in shape.levels for name in shape.teachers]
    return PackedBags(bags.case_ids, bags.offsets, {s: bags.levels[s] for s in sources})


def _fit(
    unit: Unit,
    *,
    shape: StudentShape,
    bags: PackedBags,
    outcomes: Outcomes,
    config: TrainingConfig,
    student: StudentConfig,
) -> Fitted:
    target = target_of(outcomes, train=unit.train, config=config)
    network = FusionStudent(shape, n_outputs=target.n_outputs)
    objective = _Objective(
        network=network,
        bags=bags,
        target=target,
        helpers=_distillation(network, bags=bags, unit=unit),
        distillation_weight=student.distillation_weight,
    )
    report = fit(
        objective,
        train=torch.from_numpy(unit.train),
        validation=torch.from_numpy(unit.validation),
        config=config,
    )
    return Fitted(network=network, n_outputs=target.n_outputs, report=report, bins=target.bins)


def _distillation(
    network: FusionStudent, *, bags: PackedBags, unit: Unit
) -> CorrectedDistillation | FaithfulDistillation:
    shape = network.shape
    match shape.variant:
        case Variant.FAITHFUL:
            return FaithfulDistillation()
        case Variant.CORRECTED:
            network.set_statistics(bags.select(unit.train.tolist()).levels)
            targets = standard_targets(bags, train=torch.from_numpy(unit.train))
            return CorrectedDistillation(shape, targets=targets)
