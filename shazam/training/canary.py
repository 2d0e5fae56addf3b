"""The null canary: the cheap arm refitted on permuted outcomes."""

from __future__ import annotations

import pandas as pd

from shazam.config.arms import BaselineFamily
from shazam.config.training import TrainingConfig
from shazam.progress import MakeProgress, silent
from shazam.training.arms import fit_baseline
from shazam.training.inputs import Inputs
from shazam.training.learnable import permuted
from shazam.training.outcomes import Outcomes


def fit_canary(
    *,
    teacher: str,
    inputs: Inputs,
    config: TrainingConfig,
    permutations: int,
    progress: MakeProgress,
) -> pd.DataFrame:
    """Fit the mean-pool arm once for each permutation of the outcomes.

    Args:
        teacher: whose features are used.
        inputs: features, outcomes and folds.
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
                bags=inputs.bags,
                outcomes=inputs.outcomes,
                splits=inputs.splits,
                config=config,
                permutation_seed=permutation,
                progress=silent,
            )
            frames.append(result.predictions.assign(permutation=permutation))
            told.advance()
    return pd.concat(frames, ignore_index=True)


def canary_outcomes(refits: pd.DataFrame, *, inputs: Inputs) -> dict[int, Outcomes]:
    """Return, for each permutation of a canary, the outcomes it was fitted on."""
    return {
        int(number): permuted(inputs.outcomes, splits=inputs.splits, seed=int(number))
        for number in sorted(refits["permutation"].unique())
    }
