"""Arms: every one is fitted on the same cases, folds and seeds, with one optimiser budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shazam.config.arms import BaselineFamily, JointFamily, arm_name
from shazam.config.training import TrainingConfig
from shazam.models.arm import ArmResult
from shazam.models.specs import AbmilSpec, ClamSbSpec, TransMilSpec
from shazam.progress import MakeProgress
from shazam.training.execution import Execution
from shazam.training.mean_pool import fit_mean_pool
from shazam.training.mil import concat_spec, fit_mil, single_teacher_spec
from shazam.training.study import Study

_SPECS: Mapping[BaselineFamily, type[AbmilSpec] | type[ClamSbSpec] | type[TransMilSpec]] = {
    BaselineFamily.ABMIL: AbmilSpec,
    BaselineFamily.CLAM_SB: ClamSbSpec,
    BaselineFamily.TRANS_MIL: TransMilSpec,
}


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
    if family is BaselineFamily.MEAN_POOL:
        return fit_mean_pool(
            name,
            teacher=teacher,
            study=study,
            config=config,
            execution=execution,
            progress=progress,
        )
    return fit_mil(
        name,
        spec=single_teacher_spec(_SPECS[family], teacher, study=study, config=config),
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
