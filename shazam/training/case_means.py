"""Mean features of the cases of a feature set, read without outcomes or folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shazam.config.cohort import Unit
from shazam.config.imports import MissingValues
from shazam.features.bag_files import Reading
from shazam.features.stored_bags import open_bags
from shazam.manifests import FeatureSetManifest
from shazam.training.moments import moments_of
from shazam.workspace import Workspace

_LEVEL = "high"


@dataclass(frozen=True, slots=True)
class CaseMeans:
    """Mean features of cases: names, and for each teacher float64 ``[n_cases, dim]``."""

    case_ids: tuple[str, ...]
    means: dict[str, npt.NDArray[np.float64]]


def read_case_means(
    manifest: FeatureSetManifest, *, teachers: Sequence[str], workspace: Workspace
) -> CaseMeans:
    """Return the mean over the tiles of each case, level ``high``, of some teachers.

    Tiles that are cases of their own are averaged by the case that they come from. NaN stands where
    a teacher has not seen a case, and where all its values are missing.

    Raises:
        ConfigError: a teacher is not in the feature set, or does not give that level.
        ArtifactError: a file of the workspace is missing or altered.
        FeatureError: a feature is infinite, or NaN where none may be missing.
    """
    bags = open_bags(
        manifest,
        workspace=workspace,
        teachers=teachers,
        levels=[_LEVEL],
        reading=replace(Reading.of(manifest), unit=Unit.CASE),
    )
    moments = moments_of(bags, impute=manifest.missing_values is MissingValues.IMPUTE)
    return CaseMeans(
        case_ids=bags.case_ids,
        means={name: moments.case_means((name, _LEVEL)).numpy() for name in teachers},
    )
