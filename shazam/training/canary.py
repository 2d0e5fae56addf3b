"""The null canary: arms refitted on permuted outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pandas as pd

from shazam.cohort.folds import Splits
from shazam.config.arms import BaselineFamily
from shazam.config.training import TrainingConfig
from shazam.models.arm import ArmResult
from shazam.progress import MakeProgress, silent
from shazam.training.arms import fit_baseline
from shazam.training.execution import Execution
from shazam.training.learnable import permuted
from shazam.training.outcomes import Outcomes
from shazam.training.study import Study

DEALING = "dealing"
"""Column of a canary's table: among which cases its outcomes were dealt."""


class Dealing(StrEnum):
    """Among which cases outcomes are dealt anew.

    Within sites an outcome stays in its hospital: what is still learnt then is the hospital's.
    """

    ALL_CASES = "all_cases"
    WITHIN_SITES = "within_sites"


FitPermuted = Callable[[Study, Execution], ArmResult]


def fit_canary(
    *,
    teacher: str,
    study: Study,
    config: TrainingConfig,
    permutations: int,
    progress: MakeProgress,
    sites: Sequence[str | None] = (),
) -> pd.DataFrame:
    """Fit the mean-pool arm once for each permutation of the outcomes.

    Args:
        teacher: whose features are used.
        study: features, outcomes and folds.
        config: the budget of all arms.
        permutations: how many; their seeds are 0, 1, ...
        progress: told of every permutation that is done.
        sites: the site of each case; with two of them, one of several cases, it is fitted on as
            many permutations within sites too.

    Returns:
        The predictions of all fits, with the columns ``permutation`` and ``dealing``.
    """
    strata = site_strata(sites)
    dealings = (Dealing.ALL_CASES, *(() if strata is None else (Dealing.WITHIN_SITES,)))

    def fit(dealt: Study, execution: Execution) -> ArmResult:
        return fit_baseline(
            BaselineFamily.MEAN_POOL,
            teacher=teacher,
            study=dealt,
            config=config,
            execution=execution,
            progress=silent,
        )

    frames = []
    with progress(permutations * len(dealings)) as told:
        for dealing in dealings:
            own = strata if dealing is Dealing.WITHIN_SITES else None
            for number in range(permutations):
                result = fit(study.permuted(number, strata=own), Execution())
                frames.append(_marked(result, number=number, dealing=dealing))
                told.advance()
    return pd.concat(frames, ignore_index=True)


def refit_permuted(
    fit: FitPermuted,
    *,
    study: Study,
    permutations: int,
    execution: Callable[[int], AbstractContextManager[Execution]],
    progress: MakeProgress,
) -> pd.DataFrame:
    """Fit an arm once for each permutation of the outcomes among all cases.

    Args:
        fit: fits the arm.
        study: features, outcomes and folds.
        permutations: how many; their seeds are 0, 1, ...
        execution: how the fits of a permutation are carried out.
        progress: told of every permutation that is done.
    """
    frames = []
    with progress(permutations) as told:
        for number in range(permutations):
            with execution(number) as carried_out:
                result = fit(study.permuted(number), carried_out)
            frames.append(_marked(result, number=number, dealing=Dealing.ALL_CASES))
            told.advance()
    return pd.concat(frames, ignore_index=True)


def canary_outcomes(
    refits: pd.DataFrame,
    *,
    outcomes: Outcomes,
    splits: Splits,
    sites: Sequence[str | None] = (),
) -> dict[int, Outcomes]:
    """Return, for each permutation of a canary, the outcomes it was fitted on.

    Args:
        refits: predictions of one dealing.
        outcomes: the true ones.
        splits: the folds it was fitted on.
        sites: of the cases, for a dealing within them.
    """
    strata = site_strata(sites)
    return {
        int(number): permuted(outcomes, splits=splits, seed=int(number), strata=strata)
        for number in sorted(refits["permutation"].unique())
    }


def site_strata(sites: Sequence[str | None]) -> npt.NDArray[np.int64] | None:
    """Return the number of each case's site, int64 ``[n]``; cases without one share a number.

    None where dealing within sites says nothing: fewer than two, or one case in each.
    """
    n_cases = Counter(site for site in sites if site is not None)
    if len(n_cases) < 2 or max(n_cases.values()) < 2:
        return None
    names = ["" if site is None else f"site {site}" for site in sites]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _marked(result: ArmResult, *, number: int, dealing: Dealing) -> pd.DataFrame:
    return result.predictions.assign(permutation=number, dealing=dealing.value)
