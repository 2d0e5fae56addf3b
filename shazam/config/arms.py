"""The section on arms: what stands beside the student, and how arms are named."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from shazam.config.section import Section

LATE_ENSEMBLE = "late_ensemble"
LOGIT_PROD = "logit_prod"
CLINICAL = "clinical"
FUSION_STUDENT = "fusion_student_v2"


class BaselineFamily(StrEnum):
    """Families of base arms; each is fitted once per teacher."""

    MEAN_POOL = "mean_pool"
    ABMIL = "abmil"


class ArmsConfig(Section):
    """Which arms stand beside the student."""

    baselines: tuple[BaselineFamily, ...] = (BaselineFamily.MEAN_POOL, BaselineFamily.ABMIL)
    late_ensemble: bool = True
    canary_permutations: int = Field(default=20, ge=10)


def arm_name(family: BaselineFamily, encoder: str) -> str:
    """Return the name of a base arm, such as ``abmil.uni_v2``."""
    return f"{family}.{encoder}"
