"""The ABMIL arm: attention pooling on the high level of one teacher."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from shazam.cohort.folds import Splits
from shazam.config.training import TrainingConfig
from shazam.features.bags import PackedBags
from shazam.models.abmil import Abmil
from shazam.models.arm import ArmResult
from shazam.models.segments import Segments
from shazam.models.specs import AbmilSpec
from shazam.progress import MakeProgress
from shazam.training.fit import fit
from shazam.training.outcomes import Outcomes
from shazam.training.targets import Target, head_of, target_of
from shazam.training.units import Arm, Fitted, Unit, fit_units

LEVEL = "high"


@dataclass(frozen=True, slots=True)
class _Objective:
    network: Abmil
    bags: PackedBags
    target: Target
    helpers: nn.Module = field(default_factory=nn.Identity)

    def training_loss(self, rows: Tensor) -> Tensor:
        return self.task_loss(rows)

    def task_loss(self, rows: Tensor) -> Tensor:
        batch = self.bags.select(rows.tolist())
        return self.target.loss(self.network(batch.levels, Segments(batch.offsets)), rows=rows)

    def n_informative(self, rows: Tensor) -> int:
        return self.target.n_informative(rows)


def fit_abmil(
    name: str,
    *,
    teacher: str,
    bags: PackedBags,
    outcomes: Outcomes,
    splits: Splits,
    config: TrainingConfig,
    progress: MakeProgress,
) -> ArmResult:
    """Fit the arm; arguments as of :func:`shazam.training.arms.fit_baseline`."""
    source = (teacher, LEVEL)
    own = PackedBags(bags.case_ids, bags.offsets, {source: bags.levels[source]})
    dim_in = own.levels[source].shape[1]
    spec = AbmilSpec(teacher=teacher, level=LEVEL, dim_in=dim_in, dim=config.abmil_dim)
    head = head_of(outcomes.task, config=config)

    def fit_unit(unit: Unit) -> Fitted:
        return _fit(unit, spec=spec, bags=own, outcomes=outcomes, config=config)

    return fit_units(
        Arm(name=name, spec=spec, head=head, fit_unit=fit_unit),
        bags=own,
        splits=splits,
        seeds=config.seeds,
        outcomes=outcomes,
        progress=progress,
    )


def _fit(
    unit: Unit, *, spec: AbmilSpec, bags: PackedBags, outcomes: Outcomes, config: TrainingConfig
) -> Fitted:
    target = target_of(outcomes, train=unit.train, config=config)
    source = (spec.teacher, spec.level)
    network = Abmil(source, dim_in=spec.dim_in, dim=spec.dim, n_outputs=target.n_outputs)
    network.standardise.set_statistics(bags.select(unit.train.tolist()).levels[source])
    report = fit(
        _Objective(network=network, bags=bags, target=target),
        train=torch.from_numpy(unit.train),
        validation=torch.from_numpy(unit.validation),
        config=config,
    )
    return Fitted(network=network, n_outputs=target.n_outputs, report=report, bins=target.bins)
