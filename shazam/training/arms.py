"""Arms: every one is fitted on the same cases, folds and seeds, with one optimiser budget."""

from __future__ import annotations

from shazam.cohort.folds import Splits
from shazam.config.arms import BaselineFamily, arm_name
from shazam.config.training import TrainingConfig
from shazam.errors import ConfigError
from shazam.features.bags import PackedBags
from shazam.models.arm import ArmResult, Member
from shazam.progress import MakeProgress
from shazam.training.abmil import fit_abmil
from shazam.training.late import fuse_late
from shazam.training.mean_pool import LEVEL, fit_mean_pool
from shazam.training.outcomes import Outcomes, outcomes_of
from shazam.training.student import fit_student
from shazam.training.units import prepare_outcomes

__all__ = [
    "ArmResult",
    "Member",
    "Outcomes",
    "fit_baseline",
    "fit_student",
    "fuse_late",
    "outcomes_of",
]


def fit_baseline(
    family: BaselineFamily,
    *,
    teacher: str,
    bags: PackedBags,
    outcomes: Outcomes,
    splits: Splits,
    config: TrainingConfig,
    permutation_seed: int | None,
    progress: MakeProgress,
) -> ArmResult:
    """Fit a base arm on one teacher for every fold and seed.

    Args:
        family: mean pooling with a ridge model, or ABMIL.
        teacher: whose high level is used.
        bags: features of all cases.
        outcomes: of the same cases, in the same order.
        splits: outer folds with inner validation.
        config: the optimiser budget, shared by all arms.
        permutation_seed: permutes the outcomes by case first (the null canary); None does not.
        progress: told of every fold and seed that is done.

    Raises:
        ConfigError: the bags lack the teacher, or a fold cannot be learnt from.
    """
    if (teacher, LEVEL) not in bags.levels:
        raise ConfigError(f"no {LEVEL} features of teacher '{teacher}' in the bags")
    used = prepare_outcomes(outcomes, bags=bags, splits=splits, permutation_seed=permutation_seed)
    fit_family = {BaselineFamily.MEAN_POOL: fit_mean_pool, BaselineFamily.ABMIL: fit_abmil}[family]
    return fit_family(
        arm_name(family, teacher),
        teacher=teacher,
        bags=bags,
        outcomes=used,
        splits=splits,
        config=config,
        progress=progress,
    )
