"""The null canary: the cheap arm refitted on permuted outcomes."""

from __future__ import annotations

import pandas as pd

from shazam.config.arms import BaselineFamily
from shazam.config.training import TrainingConfig
from shazam.progress import MakeProgress, silent
from shazam.training.arms import fit_baseline
from shazam.training.execution import Execution
from shazam.training.outcomes import Outcomes
from shazam.training.study import Study


def fit_canary(
    *,
    teacher: str,
    study: Study,
    config: TrainingConfig,
    permutations: int,
    progress: MakeProgress,
) -> pd.DataFrame:
    """Fit the mean-pool arm once for each permutation of the outcomes.

    Args:
        teacher: whose features are used.
        study: features, outcomes and folds.
        config: the budget of all arms.
        permutations: how many; their seeds are 0, 1, ...
        progress: told of every permutation that is done.

    Returns:
        The predictions of all fits, with the column ``permutation``.
    """
    frames = []
    with progress(permutations) as told:
        for permutation in range(permutations):
            result = fit_baseline(
                BaselineFamily.MEAN_POOL,
                teacher=teacher,
                study=study.permuted(permutation),
                config=config,
                execution=Execution(),
                progress=silent,
            )
            frames.append(result.predictions.assign(permutation=permutation))
            told.advance()
    return pd.concat(frames, ignore_index=True)


def canary_outcomes(refits: pd.DataFrame, *, study: Study) -> dict[int, Outcomes]:
    """Return, for each permutation of a canary, the outcomes it was fitted on."""
    return {
        int(number): study.permuted(int(number)).outcomes
        for number in sorted(refits["permutation"].unique())
    }
