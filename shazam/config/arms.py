"""The section on arms: what stands beside the student, and how arms are named."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from shazam.config.section import Section

LATE_ENSEMBLE = "late_ensemble"
LOGIT_PROD = "logit_prod"
CLINICAL = "clinical"
FUSION_STUDENT = "fusion_student_v2"


class StudentArm(StrEnum):
    """The fusion students, as their arms are named."""

    V1 = "fusion_student_v1"
    V2 = FUSION_STUDENT


class BaselineFamily(StrEnum):
    """Families of base arms; each is fitted once per teacher."""

    MEAN_POOL = "mean_pool"
    ABMIL = "abmil"
    CLAM_SB = "clam_sb"
    TRANS_MIL = "trans_mil"


class JointFamily(StrEnum):
    """Base arms on all teachers at once; with one teacher there are none."""

    CONCAT_ABMIL = "concat_abmil"


class ArmsConfig(Section):
    """Which arms are run: the students, and what stands beside them.

    ``late_ensemble`` and ``logit_prod`` fuse the ABMIL arms; ``logit_prod_ridge`` draws the
    weights of the latter towards equal ones. The mean-pool arm is refitted on
    ``canary_permutations`` of the outcomes, the candidate on ``canary_candidate_permutations`` with
    the first seed; 0 fails its gate unless ``acceptance.candidate_canary`` leaves it out.
    ``clinical`` is run where the cohort names clinical columns.
    """

    students: tuple[StudentArm, ...] = (StudentArm.V2,)
    baselines: tuple[BaselineFamily, ...] = (BaselineFamily.MEAN_POOL, BaselineFamily.ABMIL)
    joint: tuple[JointFamily, ...] = (JointFamily.CONCAT_ABMIL,)
    clinical: bool = True
    late_ensemble: bool = True
    logit_prod: bool = True
    logit_prod_ridge: float = Field(default=10.0, ge=0)
    canary_permutations: int = Field(default=20, ge=10)
    canary_candidate_permutations: int = Field(default=5, ge=0)

    @model_validator(mode="after")
    def _mean_has_a_spread(self) -> ArmsConfig:
        if self.canary_candidate_permutations == 1:
            raise ValueError(
                "canary_candidate_permutations: one refit has no spread; ask for 2 or more; "
                "acceptance.candidate_canary: left_out leaves the candidate's canary out"
            )
        return self

    @model_validator(mode="after")
    def _arms_differ(self) -> ArmsConfig:
        named = (("students", self.students), ("baselines", self.baselines), ("joint", self.joint))
        for key, families in named:
            if repeated := sorted({name for name in families if families.count(name) > 1}):
                raise ValueError(f"{key}: named twice: {', '.join(repeated)}")
        return self


def arm_name(family: BaselineFamily, encoder: str) -> str:
    """Return the name of a base arm, such as ``abmil.uni_v2``."""
    return f"{family}.{encoder}"
