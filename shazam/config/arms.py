"""The section on arms: what stands beside the student, and how arms are named."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from shazam.config.section import Section

LATE_ENSEMBLE = "late_ensemble"
FUSION_STUDENT = "fusion_student_v2"


class StudentArm(StrEnum):
    """The fusion students, as their arms are named."""

    V1 = "fusion_student_v1"
    V2 = FUSION_STUDENT


class BaselineFamily(StrEnum):
    """Families of base arms; each is fitted once per teacher."""

    MEAN_POOL = "mean_pool"
    ABMIL = "abmil"


class ArmsConfig(Section):
    """Which arms are run: the students, and what stands beside them."""

    students: tuple[StudentArm, ...] = (StudentArm.V2,)
    baselines: tuple[BaselineFamily, ...] = (BaselineFamily.MEAN_POOL, BaselineFamily.ABMIL)
    late_ensemble: bool = True
    canary_permutations: int = Field(default=20, ge=10)

    @model_validator(mode="after")
    def _students_differ(self) -> ArmsConfig:
        if len(set(self.students)) != len(self.students):
            raise ValueError("a student is named twice")
        return self


def arm_name(family: BaselineFamily, encoder: str) -> str:
    """Return the name of a base arm, such as ``abmil.uni_v2``."""
    return f"{family}.{encoder}"
