"""One config evaluated over several partitions of the same cases, and what lies between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt
from scipy.stats import t

from shazam.cohort.folds import Splits
from shazam.errors import ConfigError
from shazam.evaluation.result import EvaluationResult
from shazam.manifests import Entry, Sha256

MEANING = (
    "repeats measure the spread over folds and fits: all of them test the same cases, so they are "
    "no independent evidence, and their interval does not cover the drawing of cases (that of "
    "each run's report does)",
    "choosing the best repeat is selection on test: report the mean, or the repeat whose seed was "
    "fixed before",
    "no gate decides here and nothing is registered",
)
_LEVEL = 0.95

Value = TypeVar("Value")


class Spread(Entry):
    """A number in each repeat, its mean with the corrected 95 % interval, and what lies between.

    The interval is made of the values of single test parts: see :func:`corrected_error`.
    ``standard_deviation`` is that of the repeats, with ``R - 1`` below.
    """

    values: tuple[float, ...] = Field(min_length=2)
    mean: float
    lower: float
    upper: float
    standard_deviation: float
    least: float
    greatest: float


class Repeat(Entry):
    """One run: its seed of splits, the digest of its folder under ``runs``, and of its folds."""

    seed: NonNegativeInt
    run: str = Sha256
    splits_sha256: str = Sha256


class ArmSpread(Entry):
    """The primary metric of an arm."""

    arm: str
    primary: Spread


class Repeats(Entry):
    """What several partitions found; ``difference`` is candidate minus ``compared_to``."""

    primary_metric: str
    candidate: str
    compared_to: str
    cohort_sha256: str = Sha256
    n_cases: PositiveInt
    n_folds: PositiveInt
    repeats: tuple[Repeat, ...] = Field(min_length=2)
    arms: tuple[ArmSpread, ...]
    difference: Spread
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One run as it was read back: ``run`` is the digest of its folder."""

    seed: int
    run: str
    result: EvaluationResult
    splits: Splits


def corrected_error(by_fold: Sequence[Sequence[float]], *, n_folds: int) -> tuple[float, int]:
    """Return the standard error of a mean over repeated splits, by Nadeau and Bengio, and its df.

    The values of the J test parts of all repeats share their cases, so their variance s^2 counts
    ``1 / J + 1 / (n_folds - 1)`` times: the ratio of tested to fitted cases is added (Machine
    Learning 52, 2003). It has J - 1 degrees of freedom.

    Args:
        by_fold: for each of R >= 2 repeats the values of its test parts, those that have one.
        n_folds: of each repeat, at least 2.

    Raises:
        ConfigError: there are too few repeats, folds or values.
    """
    values = [value for one in by_fold for value in one]
    if len(by_fold) < 2 or n_folds < 2 or len(values) < 2:
        raise ConfigError(
            f"{len(by_fold)} repeat(s) of {n_folds} fold(s) with {len(values)} value(s): an "
            "interval over repeats needs 2 or more of each; ask for more"
        )
    error = np.std(values, ddof=1) * np.sqrt(1 / len(values) + 1 / (n_folds - 1))
    return float(error), len(values) - 1


def corrected_interval(
    mean: float, *, by_fold: Sequence[Sequence[float]], n_folds: int
) -> tuple[float, float]:
    """Return the 95 % t interval of a mean over repeats; see :func:`corrected_error`."""
    error, freedom = corrected_error(by_fold, n_folds=n_folds)
    reach = quantile_of_t(freedom) * error
    return mean - reach, mean + reach


def quantile_of_t(freedom: int) -> float:
    """Return how many standard errors a 95 % interval reaches."""
    return float(t.ppf((1 + _LEVEL) / 2, freedom))


def spread_of(
    values: Sequence[float], *, by_fold: Sequence[Sequence[float]], n_folds: int
) -> Spread:
    """Return the spread of one number over repeats; see :func:`corrected_interval`."""
    mean = float(np.mean(values))
    lower, upper = corrected_interval(mean, by_fold=by_fold, n_folds=n_folds)
    return Spread(
        values=tuple(values),
        mean=mean,
        lower=lower,
        upper=upper,
        standard_deviation=float(np.std(values, ddof=1)),
        least=min(values),
        greatest=max(values),
    )


def repeats_of(runs: Sequence[Evaluated]) -> Repeats:
    """Put the runs of one config over several seeds of splits together.

    Args:
        runs: at least 2, in the order of their seeds.

    Raises:
        ConfigError: the runs are too few, or not repeats of one another: they differ in cohort,
            cases, arms, metric or number of folds.
    """
    n_folds = _only("the number of folds", [len(one.splits.folds) for one in runs])
    results = [one.result for one in runs]
    arms = _only("the list of arms", [tuple(arm.arm for arm in result.arms) for result in results])
    candidate = _only("acceptance.candidate", [result.candidate for result in results])
    compared_to = _only(
        "acceptance.compared_to", [result.acceptance.compared_to for result in results]
    )
    values = {name: [_primary(result, arm=name) for result in results] for name in arms}
    folds = {name: [_folds(result, arm=name) for result in results] for name in arms}
    apart = [own - other for own, other in zip(values[candidate], values[compared_to], strict=True)]
    return Repeats(
        primary_metric=_only("the primary metric", [one.primary_metric for one in results]),
        candidate=candidate,
        compared_to=compared_to,
        cohort_sha256=_only("the cohort", [result.cohort_sha256 for result in results]),
        n_cases=_only("the number of cases", [result.n_cases for result in results]),
        n_folds=n_folds,
        repeats=tuple(
            Repeat(seed=one.seed, run=one.run, splits_sha256=one.result.splits_sha256)
            for one in runs
        ),
        arms=tuple(
            ArmSpread(arm=name, primary=_spread(own, folds[name], n_folds=n_folds))
            for name, own in values.items()
        ),
        difference=_spread(
            apart,
            [
                [a - b for a, b in zip(own, other, strict=True)]
                for own, other in zip(folds[candidate], folds[compared_to], strict=True)
            ],
            n_folds=n_folds,
        ),
        notes=(*MEANING, *_equal_partitions(runs)),
    )


def _primary(result: EvaluationResult, *, arm: str) -> float:
    return next(own.primary.value for own in result.arms if own.arm == arm)


def _folds(result: EvaluationResult, *, arm: str) -> list[float]:
    """Return the primary metric of each test part; NaN where it has none."""
    found = next(own.folds for own in result.arms if own.arm == arm)
    return [np.nan if fold.value is None else fold.value for fold in found]


def _spread(values: Sequence[float], folds: Sequence[Sequence[float]], *, n_folds: int) -> Spread:
    known = [[value for value in one if np.isfinite(value)] for one in folds]
    return spread_of(values, by_fold=known, n_folds=n_folds)


def _only(what: str, values: Sequence[Value]) -> Value:
    """Return the one value that all runs have."""
    if len(set(values)) != 1:
        found = " and ".join(str(value) for value in dict.fromkeys(values)) or "no run"
        raise ConfigError(
            f"the runs are no repeats of one another, {what} differs ({found}); leave table, "
            "features and config as they are while repeats run, then repeat again"
        )
    return values[0]


def _equal_partitions(runs: Sequence[Evaluated]) -> Iterator[str]:
    first: dict[frozenset[tuple[str, ...]], int] = {}
    for one in runs:
        partition = frozenset(fold.test for fold in one.splits.folds)
        seed = first.setdefault(partition, one.seed)
        if seed != one.seed:
            yield (
                f"splits.seed={one.seed} has the test parts of splits.seed={seed}: too few sites "
                "or cases allow others, and the spread is told too small"
            )
