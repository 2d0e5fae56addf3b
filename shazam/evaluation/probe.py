"""Checks against self-deception: can features tell the site, and can noise be learnt?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field, NonNegativeInt, PositiveInt
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from shazam.cohort.folds import Splits
from shazam.errors import ConfigError
from shazam.evaluation.metrics import chance_of, metrics_of, observed, primary_metric
from shazam.evaluation.out_of_fold import out_of_fold
from shazam.evaluation.truth import OutcomeArrays, truth_of_arrays
from shazam.manifests import Entry

_SITE_FOLDS = 3
_COMPONENTS = 16


class SiteProbe(Entry):
    """How well one teacher's mean features tell the site, against guessing."""

    teacher: str
    balanced_accuracy: float = Field(ge=0, le=1)
    chance: float = Field(gt=0, le=1)
    n_sites: PositiveInt
    n_cases: PositiveInt
    n_sites_left_out: NonNegativeInt


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


def probe_sites(
    features: Mapping[str, NDArray[np.floating]],
    *,
    sites: Sequence[str | None],
    seed: int,
    groups: NDArray[np.int64] | None = None,
) -> tuple[SiteProbe, ...]:
    """Predict each case's site from its mean features, cross-validated over cases.

    A logistic regression on 16 principal components. Sites with fewer than 3 cases are left out.

    Args:
        features: for each teacher float ``[n_cases, dim]``, the mean over a case's tiles; NaN
            where it is not known, which is filled in from the other cases of a fold.
        sites: the site of each case; None where it is unknown.
        seed: of the folds.
        groups: int64 ``[n_cases]``, number of the patient that a tile is of; the tiles of one
            patient then are one case, by their mean.

    Returns:
        One probe per teacher; none when fewer than two sites have enough cases.
    """
    if groups is not None:
        _, first, group = np.unique(groups, return_index=True, return_inverse=True)
        sites = [sites[row] for row in first]
        features = {name: _means(values, group) for name, values in features.items()}
    n_of_site = Counter(site for site in sites if site is not None)
    kept = {site for site, count in n_of_site.items() if count >= _SITE_FOLDS}
    if len(kept) < 2:
        return ()
    rows = [row for row, site in enumerate(sites) if site in kept]
    target = np.array([sites[row] for row in rows], dtype=str)
    return tuple(
        SiteProbe(
            teacher=teacher,
            balanced_accuracy=_site_accuracy(features[teacher][rows], target, seed=seed),
            chance=1 / len(kept),
            n_sites=len(kept),
            n_cases=len(rows),
            n_sites_left_out=len(n_of_site) - len(kept),
        )
        for teacher in sorted(features)
    )


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


def _means(values: NDArray[np.floating], group: NDArray[np.intp]) -> NDArray[np.float64]:
    known = np.isfinite(values)
    totals = np.zeros((int(group.max()) + 1, values.shape[1]))
    counts = np.zeros_like(totals)
    np.add.at(totals, group, np.where(known, values, 0.0))
    np.add.at(counts, group, known)
    return np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)


def _site_accuracy(features: NDArray[np.floating], target: NDArray[np.str_], *, seed: int) -> float:
    n_train = len(target) - -(-len(target) // _SITE_FOLDS)
    n_components = min(_COMPONENTS, features.shape[1], n_train - 1)
    model = make_pipeline(
        SimpleImputer(add_indicator=True, keep_empty_features=True),
        StandardScaler(),
        PCA(n_components, whiten=True, svd_solver="full"),
        LogisticRegression(max_iter=2000),
    )
    folds = StratifiedKFold(_SITE_FOLDS, shuffle=True, random_state=seed)
    given = cross_val_predict(model, features.astype(np.float64), target, cv=folds)
    return float(balanced_accuracy_score(target, given))
