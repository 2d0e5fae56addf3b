"""Predictions of one arm, each case once and by a model that never saw it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shazam.cohort.folds import Splits
from shazam.config.cohort import Task
from shazam.errors import ArtifactError, LeakError
from shazam.evaluation.truth import Truth

_SHOWN = 5
_NOISE = 1e-6  # of the greatest magnitude: what single precision may make of one number


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """One arm's predictions in the order of the truth.

    Args:
        arm: its name.
        seeds: the seeds it was trained with.
        by_seed: float64 ``[n_seeds, n_cases, n_scores]``; survival: one score, the risk in units
            of the member's inner-validation risks (higher = higher risk); classification: one
            probability per class; regression: one value per target. NaN where it is NaN
            or infinite, or the case's fold has no finite inner-validation risk.
        cuts: float64 ``[n_folds]``, the median inner-validation risk; zeros but for survival.
        n_not_finite: number of predictions, of tested or inner-validation cases, that are NaN or
            infinite.
        constant_folds: folds in which a seed's member gave all test cases the same scores, but for
            floating-point noise.
    """

    arm: str
    seeds: tuple[int, ...]
    by_seed: NDArray[np.float64]
    cuts: NDArray[np.float64]
    n_not_finite: int
    constant_folds: tuple[int, ...] = ()

    @property
    def scores(self) -> NDArray[np.float64]:
        """Mean over the seeds, float64 ``[n_cases, n_scores]``."""
        mean: NDArray[np.float64] = self.by_seed.mean(axis=0)
        return mean


def out_of_fold(frame: pd.DataFrame, *, arm: str, truth: Truth, splits: Splits) -> OutOfFold:
    """Gather an arm's test predictions and scale its risks by inner validation.

    The risk of a member (one seed and fold) is standardised by mean and standard deviation of
    its own inner-validation risks, so that seeds can be averaged; ranks within a fold and seed
    are unchanged.

    Args:
        frame: rows of seed, fold, part, case_id and ``risk``, ``prob_<class>`` or
            ``value_<target>``.
        arm: the arm's name, for messages.
        truth: gives the order of cases and the fold of each.
        splits: gives the validation parts.

    Raises:
        ArtifactError: columns or cases are missing, or a case stands twice.
        LeakError: a case was predicted by a fold that trained on it.
    """
    columns = _score_columns(frame, arm=arm, truth=truth)
    _check_parts(frame, arm=arm, splits=splits)
    seeds = tuple(sorted(int(seed) for seed in frame["seed"].unique()))
    tested, cuts = [], []
    constant: set[int] = set()
    for seed in seeds:
        rows = frame[frame["seed"] == seed]
        scores = _test_scores(rows, columns=columns, arm=arm, truth=truth)
        constant |= _constant_folds(scores, truth=truth)
        if truth.task is Task.SURVIVAL:
            scores, cut = _scaled(scores, rows, arm=arm, truth=truth)
            cuts.append(cut)
        tested.append(scores)
    by_seed = np.stack(tested)
    given = int((~np.isfinite(frame[columns].to_numpy(np.float64))).any(axis=1).sum())
    return OutOfFold(
        arm=arm,
        seeds=seeds,
        by_seed=by_seed,
        cuts=np.mean(cuts, axis=0) if cuts else np.zeros(truth.n_folds),
        n_not_finite=given or int((~np.isfinite(by_seed)).any(axis=2).sum()),
        constant_folds=tuple(sorted(constant)),
    )


def score_columns_of(truth: Truth) -> list[str]:
    """Return the columns of a predictions table in the order of the scores."""
    match truth.task:
        case Task.SURVIVAL:
            return ["risk"]
        case Task.CLASSIFICATION:
            return [f"prob_{name}" for name in truth.classes]
        case Task.REGRESSION:
            return [f"value_{name}" for name in truth.targets]


def _score_columns(frame: pd.DataFrame, *, arm: str, truth: Truth) -> list[str]:
    scores = score_columns_of(truth)
    wanted = ["seed", "fold", "part", "case_id", *scores]
    if missing := [column for column in wanted if column not in frame.columns]:
        raise ArtifactError(f"arm {arm}: predictions lack the column(s) {', '.join(missing)}")
    return scores


def _check_parts(frame: pd.DataFrame, *, arm: str, splits: Splits) -> None:
    allowed = {
        (number, part, case_id)
        for number, fold in enumerate(splits.folds)
        for part in ("validation", "test")
        for case_id in fold.parts[part]
    }
    given = set(zip(frame["fold"], frame["part"], frame["case_id"], strict=True))
    if wrong := sorted(given - allowed):
        shown = "; ".join(f"fold {fold} {part} {case}" for fold, part, case in wrong[:_SHOWN])
        raise LeakError(
            f"arm {arm}: {len(wrong)} prediction(s) of cases outside that part of the splits "
            f"({shown}); train the arm on these splits"
        )


def _test_scores(
    rows: pd.DataFrame, *, columns: list[str], arm: str, truth: Truth
) -> NDArray[np.float64]:
    tested = rows[rows["part"] == "test"]
    if tested["case_id"].duplicated().any():
        raise ArtifactError(f"arm {arm}: a case has two test predictions of one seed")
    if missing := sorted(set(truth.case_ids) - set(tested["case_id"])):
        raise ArtifactError(
            f"arm {arm}: no prediction for {len(missing)} case(s), such as "
            f"{', '.join(missing[:_SHOWN])}; every arm must be evaluated on the same cases"
        )
    ordered = tested.set_index("case_id").loc[list(truth.case_ids), columns]
    scores: NDArray[np.float64] = ordered.to_numpy(dtype=np.float64, copy=True)
    scores[~np.isfinite(scores)] = np.nan
    return scores


def _constant_folds(scores: NDArray[np.float64], *, truth: Truth) -> set[int]:
    return {
        number
        for number in range(truth.n_folds)
        if len(rows := truth.fold_rows(number)) > 1 and is_constant(scores[rows])
    }


def is_constant(scores: NDArray[np.float64]) -> bool:
    """Return whether two or more finite rows differ by noise only, in every column."""
    known = scores[np.isfinite(scores).all(axis=1)]
    if len(known) < 2:
        return False
    return bool((np.ptp(known, axis=0) <= _NOISE * np.abs(known).max(axis=0)).all())


def _scaled(
    scores: NDArray[np.float64], rows: pd.DataFrame, *, arm: str, truth: Truth
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scaled = scores.copy()
    cuts = np.zeros(truth.n_folds)
    validation = rows[rows["part"] == "validation"]
    for number in range(truth.n_folds):
        risks = validation.loc[validation["fold"] == number, "risk"].to_numpy(dtype=np.float64)
        if not len(risks):
            raise ArtifactError(f"arm {arm}: fold {number} has no inner-validation predictions")
        mine = truth.fold_rows(number)
        risks = np.sort(risks[np.isfinite(risks)])
        if not len(risks):
            scaled[mine], cuts[number] = np.nan, np.nan
            continue
        with np.errstate(over="ignore"):
            mean = risks.mean()
            unit = 1.0 if is_constant(risks[:, None]) else float(risks.std())
        if not (np.isfinite(unit) and unit > 0):  # beyond what numbers can hold
            scaled[mine], cuts[number] = np.nan, np.nan
            continue
        scaled[mine] = (scores[mine] - mean) / unit
        cuts[number] = (np.median(risks) - mean) / unit
    return scaled, cuts
