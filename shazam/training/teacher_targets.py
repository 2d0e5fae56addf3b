"""What a student is drawn towards: the mean tiles of the cases, as each teacher sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from shazam.config.student import TargetScale
from shazam.models.segments import Source
from shazam.training.isotropic import isotropic
from shazam.training.moments import Moments


@dataclass(frozen=True, slots=True)
class TeacherTargets:
    """Targets of all cases by (teacher, level).

    Args:
        values: float32 ``[n_cases, dim]``, without NaN.
        known: bool ``[n_cases]``, false where the teacher has not seen the case.
    """

    values: Mapping[Source, Tensor]
    known: Mapping[Source, Tensor]


def teacher_targets(
    moments: Moments, *, sources: Sequence[Source], train: Tensor, scale: TargetScale
) -> TeacherTargets:
    """Return the mean tile of every case, scaled by the training cases alone.

    A feature that a case lacks stands at the training mean, 0.

    Args:
        moments: of all cases.
        sources: teachers and levels.
        train: int64 ``[n_train]``, rows of the training cases.
        scale: how they are scaled.
    """
    match scale:
        case TargetScale.PER_FEATURE:
            values = {s: moments.standard_case_means(s, rows=train) for s in sources}
        case TargetScale.ISOTROPIC:
            values = {s: isotropic(moments.case_means(s), train=train) for s in sources}
    return _targets(moments, {source: value.nan_to_num(0.0) for source, value in values.items()})


def plain_features(moments: Moments, *, sources: Sequence[Source], train: Tensor) -> TeacherTargets:
    """Return the mean tile of every case as it is; what a case lacks is the training mean."""
    values = {}
    for source in sources:
        means = moments.case_means(source)
        usual = means[train].nanmean(dim=0).nan_to_num(0.0)
        values[source] = torch.where(means.isnan(), usual, means).float()
    return _targets(moments, values)


def _targets(moments: Moments, values: Mapping[Source, Tensor]) -> TeacherTargets:
    known = {source: ~moments.case_means(source).isnan().all(dim=1) for source in values}
    return TeacherTargets(values=dict(values), known=known)
