"""The projection of a case's mean tile."""

from __future__ import annotations

from torch import Tensor

from shazam.models.segments import Segments, segment_mean
from shazam.models.standardise import StandardisedLinear


def project_mean(project: StandardisedLinear, tiles: Tensor, *, segments: Segments) -> Tensor:
    """Average the projected tiles of each case; a single tile is its own mean.

    The mean and a linear map may change places, so that one row of each case is projected. They
    may not where NaN is imputed: each tile has its own missing features.

    Args:
        project: from features to the width inside a student.
        tiles: float ``[n_tiles, dim_in]``.
        segments: borders of the cases.

    Returns:
        float ``[n_cases, dim_out]``.
    """
    if len(tiles) == segments.n_cases:
        projected: Tensor = project(tiles)
        return projected
    if project.standardise.impute:
        return segment_mean(project(tiles), segments=segments)
    averaged: Tensor = project(segment_mean(tiles.float(), segments=segments))
    return averaged
