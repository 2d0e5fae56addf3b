"""Checks against self-deception: can features tell the site, and can noise be learnt?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from pydantic import Field, NonNegativeInt, PositiveInt

from shazam.cohort.folds import Splits
from shazam.errors import ConfigError
from shazam.evaluation.metrics import chance_of, metrics_of, observed, primary_metric
from shazam.evaluation.out_of_fold import out_of_fold
from shazam.evaluation.truth import OutcomeArrays, truth_of_arrays
from shazam.manifests import Entry


class SiteProbe(Entry):
    """How well one teacher's mean features tell the site, against guessing.

    ``p_value`` is the share of permutations of the predicted sites that reach it; None where an
    earlier version probed.
    """

    teacher: str
    balanced_accuracy: float = Field(ge=0, le=1)
    chance: float = Field(gt=0, le=1)
    n_sites: PositiveInt
    n_cases: PositiveInt
    n_sites_left_out: NonNegativeInt
    p_value: float | None = Field(default=None, gt=0, le=1)


class Canary(Entry):
    """An arm refitted on permuted outcomes: it must do no better than guessing."""

    arm: str
    metric: str
    chance: float
    values: tuple[float, ...] = Field(min_length=2)
    mean: float
    sd: float = Field(ge=0)

    @property
    def n_permutations(self) -> int:
        """Number of refits."""
        return len(self.values)

    @property
    def standard_error(self) -> float:
        """Standard error of the mean over the permutations."""
        return float(self.sd / np.sqrt(len(self.values)))


class ProbeResult(Entry):
    """What the probes found; ``sites`` is empty when the cohort cannot be probed for sites.

    ``canary`` is the cheap arm, ``canary_candidate`` the candidate itself. For
    ``canary_within_sites`` outcomes were dealt within sites only: how far the cheap arm stays above
    guessing is what it has from the site.
    """

    sites: tuple[SiteProbe, ...] = ()
    canary: Canary | None = None
    canary_candidate: Canary | None = None
    canary_within_sites: Canary | None = None


class SiteProbes(Entry):
    """The site probe of every teacher; empty when the cohort cannot be probed for sites."""

    sites: tuple[SiteProbe, ...] = ()


def canary_summary(
    predictions: pd.DataFrame,
    *,
    arm: str,
    outcomes: Mapping[int, OutcomeArrays],
    splits: Splits,
) -> Canary:
    """Score an arm that was fitted on permuted outcomes against those same outcomes.

    Args:
        predictions: a predictions table with a further column ``permutation``.
        arm: its name.
        outcomes: the permuted outcomes of each permutation, all cases.
        splits: the folds it was fitted on.

    Raises:
        ConfigError: the permutations of predictions and outcomes differ, or are fewer than 2.
    """
    numbers = sorted(int(number) for number in predictions["permutation"].unique())
    if numbers != sorted(outcomes) or len(numbers) < 2:
        raise ConfigError(
            f"canary: predictions of permutations {numbers}, outcomes of {sorted(outcomes)}; "
            "give at least 2, and both of each"
        )
    values = []
    for number in numbers:
        truth = truth_of_arrays(outcomes[number], splits=splits)
        frame = predictions[predictions["permutation"] == number]
        scores = out_of_fold(frame, arm=arm, truth=truth, splits=splits).scores
        metric = metrics_of(scores, truth=truth)[primary_metric(truth)]
        values.append(observed(metric, n_cases=len(truth.case_ids)))
    return Canary(
        arm=arm,
        metric=primary_metric(truth),
        chance=chance_of(truth.task, n_classes=truth.n_tested_classes),
        values=tuple(values),
        mean=float(np.mean(values)),
        sd=float(np.std(values, ddof=1)),
    )
