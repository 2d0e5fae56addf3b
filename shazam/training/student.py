"""The student arms: fusion students v1 and v2, distilled from all teachers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from shazam.config.arms import StudentArm
from shazam.config.student import Form, StudentConfig, Variant
from shazam.config.training import TrainingConfig
from shazam.errors import ConfigError
from shazam.features.stored_levels import LEVELS
from shazam.manifests import TeacherIdentity
from shazam.models.arm import ArmResult
from shazam.models.cross_attention import CrossAttentionShape
from shazam.models.segments import Source
from shazam.models.specs import CrossAttentionSpec, StudentSpec
from shazam.models.student import StudentShape
from shazam.progress import MakeProgress
from shazam.training.distillation import CorrectedDistillation
from shazam.training.execution import Execution
from shazam.training.published_distillation import MappedFeatures, OwnVectors
from shazam.training.student_objective import StudentObjective
from shazam.training.study import Study
from shazam.training.targets import head_of, target_of
from shazam.training.teacher_targets import plain_features, teacher_targets
from shazam.training.unit import Fitted, Unit
from shazam.training.units import Arm, descend, fit_units

AnyStudentSpec = StudentSpec | CrossAttentionSpec


@dataclass(frozen=True, slots=True)
class _Fit:
    spec: AnyStudentSpec
    study: Study
    config: TrainingConfig
    student: StudentConfig

    def fit(self, unit: Unit) -> Fitted:
        target = target_of(self.study.outcomes, train=unit.train, config=self.config)
        network = self.spec.build(n_outputs=target.n_outputs)
        train, sources = torch.from_numpy(unit.train), self.spec.sources()
        statistics = {source: self._statistics(source, train=train) for source in sources}
        match self.spec.shape.variant:
            case Variant.CORRECTED:
                network.set_statistics(statistics)
            case Variant.FAITHFUL if self.study.impute:  # what is missing becomes the mean
                means = {source: mean for source, (mean, _) in statistics.items()}
                network.set_statistics({s: (m, torch.ones_like(m)) for s, m in means.items()})
            case Variant.FAITHFUL:
                pass
        objective = StudentObjective(
            network=network,
            target=target,
            helpers=self._distillation(train),
            distillation_weight=self._distillation_weight(),
            decorrelation_weight=self.student.decorrelation_weight,
        )
        return descend(objective, unit=unit, study=self.study, config=self.config)

    def _statistics(self, source: Source, *, train: Tensor) -> tuple[Tensor, Tensor]:
        """Return those of what the network sees: tiles that it pools, or mean tiles."""
        if _pools_tiles(self.spec):
            return self.study.moments.statistics(source, rows=train)
        return self.study.moments.case_statistics(source, rows=train)

    def _distillation(self, train: Tensor) -> CorrectedDistillation | OwnVectors | MappedFeatures:
        moments, sources, dim = self.study.moments, self.spec.sources(), self.spec.shape.dim
        if self.spec.shape.variant is Variant.CORRECTED:
            scale = self.student.target_scale
            targets = teacher_targets(moments, sources=sources, train=train, scale=scale)
            return CorrectedDistillation(sources, dim=dim, targets=targets)
        if _pools_tiles(self.spec):
            return OwnVectors()
        features = plain_features(moments, sources=sources, train=train)
        mapped = MappedFeatures(sources, dim=dim, features=features)
        # the published v1 kept its mappers from the optimiser
        return mapped.requires_grad_(isinstance(self.spec, StudentSpec))

    def _distillation_weight(self) -> float:
        match self.spec:
            case StudentSpec():
                return self.student.distillation_weight
            case CrossAttentionSpec():
                return self.student.v1.distillation_weight


def fit_student(
    arm: StudentArm = StudentArm.V2,
    *,
    study: Study,
    config: TrainingConfig,
    student: StudentConfig,
    teachers: tuple[TeacherIdentity, ...],
    execution: Execution,
    progress: MakeProgress,
) -> ArmResult:
    """Fit a student for every fold and seed.

    v2 reads every level that all teachers have, v1 the highest of these.

    Args:
        arm: which student.
        study: features of all teachers, outcomes and folds.
        config: the optimiser budget, shared by all arms.
        student: form and size.
        teachers: whom it is distilled from, in this order.
        execution: how the fits are carried out.
        progress: told of every fold and seed that is done.

    Raises:
        ConfigError: the bags lack a teacher, or no level is common to all.
        FeatureError: no teacher has seen a case.
        TrainingError: a loss is NaN or infinite.
    """
    spec = _spec(arm, study=study, names=tuple(t.name for t in teachers), student=student)
    own = study.only(spec.sources())
    fitting = _Fit(spec=spec, study=own, config=config, student=student)
    head = head_of(study.outcomes, config=config)
    return fit_units(
        Arm(name=arm.value, spec=spec, head=head, fit_unit=fitting.fit),
        study=own,
        config=config,
        execution=execution,
        progress=progress,
    )


def _pools_tiles(spec: AnyStudentSpec) -> bool:
    return isinstance(spec, StudentSpec) and spec.shape.form is Form.SLIDE


def _spec(
    arm: StudentArm, *, study: Study, names: tuple[str, ...], student: StudentConfig
) -> AnyStudentSpec:
    bags = study.bags
    levels = tuple(level for level in LEVELS if all((name, level) in bags.dims for name in names))
    if not names or not levels:
        raise ConfigError(f"no level that all of {list(names)} have; there are {list(bags.dims)}")
    dims = tuple(tuple(bags.dims[name, level] for name in names) for level in levels)
    match arm:
        case StudentArm.V1:
            return CrossAttentionSpec(
                shape=CrossAttentionShape(
                    teachers=names,
                    level=levels[-1],
                    dims=dims[-1],
                    dim=student.v1.dim,
                    n_blocks=student.v1.n_blocks,
                    variant=student.variant,
                    teacher_dropout=student.used_teacher_dropout(),
                    impute=study.impute,
                )
            )
        case StudentArm.V2:
            shape = _shape(names, levels=levels, dims=dims, student=student)
            return StudentSpec(shape=replace(shape, impute=study.impute))


def _shape(
    names: tuple[str, ...],
    *,
    levels: tuple[str, ...],
    dims: tuple[tuple[int, ...], ...],
    student: StudentConfig,
) -> StudentShape:
    return StudentShape(
        teachers=names,
        levels=levels,
        dims=dims,
        dim=student.dim,
        n_blocks=student.n_blocks,
        dropout=student.dropout,
        variant=student.variant,
        form=student.form,
        teacher_dropout=student.used_teacher_dropout(),
    )
