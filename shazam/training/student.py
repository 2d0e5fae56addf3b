"""The student arm: the fusion student v2, distilled from all teachers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from shazam.config.arms import FUSION_STUDENT
from shazam.config.student import StudentConfig, Variant
from shazam.config.training import TrainingConfig
from shazam.errors import ConfigError
from shazam.features.store import LEVELS
from shazam.manifests import TeacherIdentity
from shazam.models.arm import ArmResult
from shazam.models.specs import StudentSpec
from shazam.models.student import FusionStudent, StudentShape
from shazam.progress import MakeProgress
from shazam.training.batches import Batch
from shazam.training.distillation import (
    CorrectedDistillation,
    FaithfulDistillation,
    standard_targets,
)
from shazam.training.execution import Execution
from shazam.training.study import Study
from shazam.training.targets import Target, head_of, target_of
from shazam.training.units import Arm, Fitted, Unit, descend, fit_units


@dataclass(frozen=True, slots=True)
class _Objective:
    network: FusionStudent
    target: Target
    helpers: CorrectedDistillation | FaithfulDistillation
    distillation_weight: float

    def training_loss(self, batch: Batch) -> Tensor:
        output = self.network.encode(batch.bags)
        distilled = self.helpers.loss(output, rows=batch.rows)
        return self.target.loss(output.logits, rows=batch.rows) + (
            self.distillation_weight * distilled
        )


@dataclass(frozen=True, slots=True)
class _Fit:
    spec: StudentSpec
    study: Study
    config: TrainingConfig
    student: StudentConfig

    def fit(self, unit: Unit) -> Fitted:
        target = target_of(self.study.outcomes, train=unit.train, config=self.config)
        network = self.spec.build(n_outputs=target.n_outputs)
        objective = _Objective(
            network=network,
            target=target,
            helpers=self._distillation(network, train=torch.from_numpy(unit.train)),
            distillation_weight=self.student.distillation_weight,
        )
        return descend(objective, unit=unit, study=self.study, config=self.config)

    def _distillation(
        self, network: FusionStudent, *, train: Tensor
    ) -> CorrectedDistillation | FaithfulDistillation:
        moments, sources = self.study.moments, self.spec.sources()
        match self.spec.shape.variant:
            case Variant.FAITHFUL:
                return FaithfulDistillation()
            case Variant.CORRECTED:
                network.set_statistics({s: moments.statistics(s, rows=train) for s in sources})
                targets = standard_targets(moments, sources=sources, train=train)
                return CorrectedDistillation(self.spec.shape, targets=targets)


def fit_student(
    *,
    study: Study,
    config: TrainingConfig,
    student: StudentConfig,
    teachers: tuple[TeacherIdentity, ...],
    execution: Execution,
    progress: MakeProgress,
) -> ArmResult:
    """Fit the student for every fold and seed on the levels that the bags hold.

    Args:
        study: features of all teachers, outcomes and folds.
        config: the optimiser budget, shared by all arms.
        student: form and size.
        teachers: whom it is distilled from, in this order.
        execution: how the fits are carried out.
        progress: told of every fold and seed that is done.

    Raises:
        ConfigError: the bags lack a teacher.
        TrainingError: a loss is NaN or infinite.
    """
    spec = StudentSpec(shape=_shape(study, teachers=teachers, student=student))
    own = study.only(spec.sources())
    fitting = _Fit(spec=spec, study=own, config=config, student=student)
    head = head_of(study.outcomes)
    return fit_units(
        Arm(name=FUSION_STUDENT, spec=spec, head=head, fit_unit=fitting.fit),
        study=own,
        config=config,
        execution=execution,
        progress=progress,
    )


def _shape(
    study: Study, *, teachers: tuple[TeacherIdentity, ...], student: StudentConfig
) -> StudentShape:
    bags = study.bags
    names = tuple(teacher.name for teacher in teachers)
    levels = tuple(level for level in LEVELS if all((name, level) in bags.dims for name in names))
    if not names or not levels:
        raise ConfigError(f"no level that all of {list(names)} have; there are {list(bags.dims)}")
    return StudentShape(
        teachers=names,
        levels=levels,
        dims=tuple(tuple(bags.dims[name, level] for name in names) for level in levels),
        dim=student.dim,
        n_blocks=student.n_blocks,
        dropout=student.dropout,
        variant=student.variant,
        impute=study.impute,
    )
