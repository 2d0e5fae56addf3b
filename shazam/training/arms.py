"""Arms: every one is fitted on the same cases, folds and seeds, with one optimiser budget."""

from __future__ import annotations

from collections.abc import Sequence

from shazam.config.arms import BaselineFamily, JointFamily, arm_name
from shazam.config.training import TrainingConfig
from shazam.models.arm import ArmResult
from shazam.models.specs import ClamSbSpec, TransMilSpec
from shazam.progress import MakeProgress
from shazam.training.abmil import fit_abmil
from shazam.training.execution import Execution
from shazam.training.mean_pool import fit_mean_pool
from shazam.training.mil import concat_spec, fit_mil, single_teacher_spec
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
        family: what is fitted.
        teacher: whose high level is used.
        study: features, outcomes and folds.
        config: the optimiser budget, shared by all arms.
        execution: how the fits are carried out.
        progress: told of every fold and seed that is done.

    Raises:
        ConfigError: the bags lack the teacher.
        TrainingError: a loss is NaN or infinite.
    """
    name = arm_name(family, teacher)
    match family:
        case BaselineFamily.MEAN_POOL | BaselineFamily.ABMIL:
            fit_family = fit_mean_pool if family is BaselineFamily.MEAN_POOL else fit_abmil
            return fit_family(
                name,
                teacher=teacher,
                study=study,
                config=config,
                execution=execution,
                progress=progress,
            )
        case BaselineFamily.CLAM_SB | BaselineFamily.TRANS_MIL:
            kind = ClamSbSpec if family is BaselineFamily.CLAM_SB else TransMilSpec
            return fit_mil(
                name,
                spec=single_teacher_spec(kind, teacher, study=study, config=config),
                study=study,
                config=config,
                execution=execution,
                progress=progress,
            )


def fit_joint(
    family: JointFamily,
    *,
    teachers: Sequence[str],
    study: Study,
    config: TrainingConfig,
    execution: Execution,
    progress: MakeProgress,
) -> ArmResult:
    """Fit a base arm on the high level of several teachers; see :func:`fit_baseline`."""
    match family:
        case JointFamily.CONCAT_ABMIL:
            spec = concat_spec(teachers, study=study, config=config)
    return fit_mil(
        family.value,
        spec=spec,
        study=study,
        config=config,
        execution=execution,
        progress=progress,
    )
