"""Arms: every one is fitted on the same cases, folds and seeds, with one optimiser budget."""

from __future__ import annotations

from shazam.config.arms import BaselineFamily, arm_name
from shazam.config.training import TrainingConfig
from shazam.models.arm import ArmResult
from shazam.progress import MakeProgress
from shazam.training.abmil import fit_abmil
from shazam.training.execution import Execution
from shazam.training.mean_pool import fit_mean_pool
from shazam.training.study import Study


def fit_baseline(
    family: BaselineFamily,
    *,
    teacher: str,
    study: Study,
    config: TrainingConfig,
    execution: Execution,
    progress: MakeProgress,
) -> ArmResult:
    """Fit a base arm on one teacher for every fold and seed.

    Args:
        family: mean pooling with a ridge model, or ABMIL.
        teacher: whose high level is used.
        study: features, outcomes and folds.
        config: the optimiser budget, shared by all arms.
        execution: how the fits are carried out.
        progress: told of every fold and seed that is done.

    Raises:
        ConfigError: the bags lack the teacher.
        TrainingError: a loss is NaN or infinite.
    """
    fit_family = {BaselineFamily.MEAN_POOL: fit_mean_pool, BaselineFamily.ABMIL: fit_abmil}[family]
    return fit_family(
        arm_name(family, teacher),
        teacher=teacher,
        study=study,
        config=config,
        execution=execution,
        progress=progress,
    )
