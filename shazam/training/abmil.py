"""The ABMIL arm: attention pooling on the high level of one teacher."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from shazam.config.training import TrainingConfig
from shazam.models.abmil import Abmil
from shazam.models.arm import ArmResult
from shazam.models.specs import AbmilSpec
from shazam.progress import MakeProgress
from shazam.training.batches import Batch
from shazam.training.execution import Execution
from shazam.training.study import Study
from shazam.training.targets import Target, head_of, target_of
from shazam.training.units import Arm, Fitted, Unit, descend, fit_units

LEVEL = "high"


@dataclass(frozen=True, slots=True)
class _Objective:
    network: Abmil
    target: Target
    helpers: nn.Module = field(default_factory=nn.Identity)

    @property
    def is_mean_over_cases(self) -> bool:
        """Whether a step may be computed in parts."""
        return self.target.is_mean_over_cases

    def training_loss(self, batch: Batch) -> Tensor:
        return self.target.loss(self.network(batch.bags), rows=batch.rows)


@dataclass(frozen=True, slots=True)
class _Fit:
    spec: AbmilSpec
    study: Study
    config: TrainingConfig

    def fit(self, unit: Unit) -> Fitted:
        target = target_of(self.study.outcomes, train=unit.train, config=self.config)
        network = self.spec.build(n_outputs=target.n_outputs)
        (source,) = self.spec.sources()
        rows = torch.from_numpy(unit.train)
        network.standardise.set(*self.study.moments.statistics(source, rows=rows))
        objective = _Objective(network=network, target=target)
        return descend(objective, unit=unit, study=self.study, config=self.config)


def fit_abmil(
    name: str,
    *,
    teacher: str,
    study: Study,
    config: TrainingConfig,
    execution: Execution,
    progress: MakeProgress,
) -> ArmResult:
    """Fit the arm; arguments as of :func:`shazam.training.arms.fit_baseline`."""
    source = (teacher, LEVEL)
    own = study.only([source])
    spec = AbmilSpec(
        teacher=teacher,
        level=LEVEL,
        dim_in=own.bags.dims[source],
        dim=config.abmil_dim,
        impute=study.impute,
    )
    fitting = _Fit(spec=spec, study=own, config=config)
    head = head_of(study.outcomes, config=config)
    return fit_units(
        Arm(name=name, spec=spec, head=head, fit_unit=fitting.fit),
        study=own,
        config=config,
        execution=execution,
        progress=progress,
    )
