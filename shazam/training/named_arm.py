"""An arm by its name, fitted anew: what the candidate's canary refits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shazam.config.arms import LOGIT_PROD, BaselineFamily, JointFamily, StudentArm
from shazam.config.student import StudentConfig
from shazam.config.training import TrainingConfig
from shazam.errors import ConfigError
from shazam.manifests import TeacherIdentity
from shazam.models.arm import ArmResult
from shazam.progress import silent
from shazam.training.arms import fit_baseline, fit_joint
from shazam.training.execution import Execution
from shazam.training.logit_prod import LogitProdFit, fit_logit_prod
from shazam.training.student import fit_student
from shazam.training.study import Study


@dataclass(frozen=True, slots=True)
class NamedArm:
    """An arm that can be registered, with all that it is fitted by.

    ``logit_prod_ridge`` counts for LogitProd only, ``student`` for the students.
    """

    name: str
    training: TrainingConfig
    student: StudentConfig
    logit_prod_ridge: float

    def reads(self, teachers: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
        """Return the teachers and levels that it reads; None means all levels.

        Args:
            teachers: all teachers of the config.
        """
        if self.name in set(StudentArm):
            return tuple(teachers), None
        if self.name in {*JointFamily, LOGIT_PROD}:
            return tuple(teachers), ("high",)
        return (_family(self.name)[1],), ("high",)

    def fit(
        self, study: Study, *, teachers: tuple[TeacherIdentity, ...], execution: Execution
    ) -> ArmResult:
        """Fit it for every fold and seed.

        Args:
            study: features, outcomes and folds.
            teachers: those that it reads.
            execution: how the fits are carried out.

        Raises:
            ConfigError: there is no arm of that name, or the bags lack what it reads.
            TrainingError: a loss is NaN or infinite.
        """
        if self.name in set(StudentArm):
            return fit_student(
                StudentArm(self.name),
                study=study,
                config=self.training,
                student=self.student,
                teachers=teachers,
                execution=execution,
                progress=silent,
            )
        names = tuple(teacher.name for teacher in teachers)
        if self.name == LOGIT_PROD:
            return self._fuse(study, names=names, execution=execution)
        if self.name in set(JointFamily):
            return fit_joint(
                JointFamily(self.name),
                teachers=names,
                study=study,
                config=self.training,
                execution=execution,
                progress=silent,
            )
        family, teacher = _family(self.name)
        return self._base(family, teacher, study=study, execution=execution)

    def _base(
        self, family: BaselineFamily, teacher: str, *, study: Study, execution: Execution
    ) -> ArmResult:
        return fit_baseline(
            family,
            teacher=teacher,
            study=study.only([(teacher, "high")]),
            config=self.training,
            execution=execution,
            progress=silent,
        )

    def _fuse(self, study: Study, *, names: Sequence[str], execution: Execution) -> ArmResult:
        arms = [
            self._base(BaselineFamily.ABMIL, name, study=study, execution=_own(execution, name))
            for name in names
        ]
        fit = LogitProdFit(
            study.outcomes, splits=study.splits, config=self.training, ridge=self.logit_prod_ridge
        )
        return fit_logit_prod(arms, fit=fit)


def _own(execution: Execution, name: str) -> Execution:
    if execution.checkpoints is None:
        return execution
    return Execution(checkpoints=execution.checkpoints / name, n_workers=execution.n_workers)


def _family(name: str) -> tuple[BaselineFamily, str]:
    family, _, teacher = name.partition(".")
    if family not in set(BaselineFamily) or not teacher:
        raise ConfigError(f"'{name}' is no arm that can be fitted by its name")
    return BaselineFamily(family), teacher
