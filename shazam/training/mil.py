"""MIL arms: a network on tiles, fitted by the loss of the task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from shazam.config.cohort import Task
from shazam.config.training import TrainingConfig
from shazam.models.arm import ArmResult
from shazam.models.clam import ClamSb, InstanceClustering
from shazam.models.specs import AbmilSpec, ClamSbSpec, ConcatAbmilSpec, TransMilSpec
from shazam.progress import MakeProgress
from shazam.training.batches import Batch
from shazam.training.execution import Execution
from shazam.training.fit import Objective
from shazam.training.study import Study
from shazam.training.targets import Target, head_of, target_of
from shazam.training.unit import Fitted, Unit
from shazam.training.units import Arm, descend, fit_units

LEVEL = "high"
_BAG_WEIGHT = 0.7

SingleMilSpec = AbmilSpec | ClamSbSpec | TransMilSpec
MilSpec = SingleMilSpec | ConcatAbmilSpec


@dataclass(frozen=True, slots=True)
class _Objective:
    network: nn.Module
    target: Target
    helpers: nn.Module = field(default_factory=nn.Identity)

    @property
    def is_mean_over_cases(self) -> bool:
        """Whether a step may be computed in parts."""
        return self.target.is_mean_over_cases

    def training_loss(self, batch: Batch) -> Tensor:
        return self.target.loss(self.network(batch.bags), rows=batch.rows)


@dataclass(frozen=True, slots=True)
class _ClamObjective:
    """``0.7`` of the loss of cases and ``0.3`` of that of their extreme tiles, as published."""

    network: ClamSb
    target: Target
    labels: Tensor
    helpers: InstanceClustering

    @property
    def is_mean_over_cases(self) -> bool:
        """Whether a step may be computed in parts."""
        return self.target.is_mean_over_cases

    def training_loss(self, batch: Batch) -> Tensor:
        output = self.network.encode(batch.bags)
        of_cases = self.target.loss(output.logits, rows=batch.rows)
        labels = self.labels[batch.rows].to(output.logits.device)
        of_tiles = self.helpers.loss(output, labels=labels)
        return _BAG_WEIGHT * of_cases + (1.0 - _BAG_WEIGHT) * of_tiles


@dataclass(frozen=True, slots=True)
class _Fit:
    spec: MilSpec
    study: Study
    config: TrainingConfig

    def fit(self, unit: Unit) -> Fitted:
        target = target_of(self.study.outcomes, train=unit.train, config=self.config)
        network = self.spec.build(n_outputs=target.n_outputs)
        rows = torch.from_numpy(unit.train)
        network.set_statistics(
            {
                source: self.study.moments.statistics(source, rows=rows)
                for source in self.spec.sources()
            }
        )
        objective = self._objective(network, target=target)
        return descend(objective, unit=unit, study=self.study, config=self.config)

    def _objective(self, network: nn.Module, *, target: Target) -> Objective:
        outcomes = self.study.outcomes
        if isinstance(network, ClamSb) and outcomes.task is Task.CLASSIFICATION:
            return _ClamObjective(
                network=network,
                target=target,
                labels=torch.from_numpy(outcomes.class_labels()),
                helpers=InstanceClustering(self.config.abmil_dim, n_classes=target.n_outputs),
            )
        return _Objective(network=network, target=target)


def fit_mil(
    name: str,
    *,
    spec: MilSpec,
    study: Study,
    config: TrainingConfig,
    execution: Execution,
    progress: MakeProgress,
) -> ArmResult:
    """Fit a MIL arm for every fold and seed.

    CLAM clusters tiles by the class of their case; without classes it is gated attention alone.

    Args:
        name: of the arm.
        spec: its network.
        study: features, outcomes and folds.
        config: the optimiser budget, shared by all arms.
        execution: how the fits are carried out.
        progress: told of every fold and seed that is done.
    """
    own = study.only(spec.sources())
    fitting = _Fit(spec=spec, study=own, config=config)
    return fit_units(
        Arm(
            name=name, spec=spec, head=head_of(study.outcomes, config=config), fit_unit=fitting.fit
        ),
        study=own,
        config=config,
        execution=execution,
        progress=progress,
    )


def single_teacher_spec(
    kind: type[AbmilSpec] | type[ClamSbSpec] | type[TransMilSpec],
    teacher: str,
    *,
    study: Study,
    config: TrainingConfig,
) -> SingleMilSpec:
    """Return the spec of a network on the high level of one teacher.

    Raises:
        ConfigError: the bags lack it.
    """
    dims = study.only([(teacher, LEVEL)]).bags.dims
    return kind(
        teacher=teacher,
        level=LEVEL,
        dim_in=dims[teacher, LEVEL],
        dim=config.abmil_dim,
        impute=study.impute,
    )


def concat_spec(
    teachers: Sequence[str], *, study: Study, config: TrainingConfig
) -> ConcatAbmilSpec:
    """Return the spec of the network on the high level of several teachers.

    Raises:
        ConfigError: the bags lack one of them.
    """
    sources = [(teacher, LEVEL) for teacher in teachers]
    dims = study.only(sources).bags.dims
    return ConcatAbmilSpec(
        teachers=tuple(teachers),
        level=LEVEL,
        dims_in=tuple(dims[source] for source in sources),
        dim=config.abmil_dim,
        impute=study.impute,
    )
