"""Survival curves of the tested cases, on one grid that every fold can speak about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from shazam.cohort.folds import Splits
from shazam.errors import ArtifactError, ConfigError
from shazam.evaluation.pairs import Array
from shazam.evaluation.truth import Truth
from shazam.predictions import curve_columns, n_edges_of

_LEAST = 1e-300


@dataclass(frozen=True, slots=True)
class Curves:
    """Curves of every seed, each case's by the fold that tests it.

    Args:
        edges_months: float64 ``[n_seeds, n_cases, K]``; NaN after a fold's last edge.
        survival: S at the edges, of the same shape.
    """

    edges_months: Array
    survival: Array

    @property
    def last_months(self) -> Array:
        """The last edge that all seeds have, float64 ``[n_cases]``."""
        last: Array = np.nanmax(self.edges_months, axis=2).min(axis=0)
        return last

    @property
    def range_months(self) -> float:
        """The greatest time that every fold and seed speaks about."""
        return float(self.last_months.min())

    def at(self, times_months: Array) -> Array:
        """Return S, averaged over the seeds; NaN beyond a fold's last edge.

        Between edges the hazard is constant, so log S is linear; S(0) = 1.

        Args:
            times_months: float64 ``[n_cases, n_times]`` or ``[1, n_times]``, at least 0.

        Returns:
            float64 ``[n_cases, n_times]``.
        """
        seeds = zip(self.edges_months, self.survival, strict=True)
        parts = [_at(edges, survival, times_months) for edges, survival in seeds]
        mean: Array = np.mean(parts, axis=0)
        return mean


def curves_in(frame: pd.DataFrame, *, truth: Truth, splits: Splits) -> Curves | None:
    """Return the curves of a predictions table; None where it holds none for some fold.

    Args:
        frame: the table of one arm.
        truth: gives the order of the cases.
        splits: give the fold that tests each case.

    Raises:
        ArtifactError: a case is not tested once per seed by its fold.
    """
    n_edges = n_edges_of(frame)
    if n_edges == 0:
        return None
    fold_of = {case: number for number, fold in enumerate(splits.folds) for case in fold.test}
    wanted = pd.MultiIndex.from_tuples([(fold_of[case], case) for case in truth.case_ids])
    tested = frame[frame["part"] == "test"]
    edge, survival = curve_columns(n_edges)
    found: list[tuple[Array, Array]] = []
    for seed in sorted(tested["seed"].unique()):
        rows = tested[tested["seed"] == seed].set_index(["fold", "case_id"])
        if rows.index.has_duplicates or not wanted.isin(rows.index).all():
            raise ArtifactError(
                f"arm {frame['arm'].iloc[0]}: seed {seed} does not test every case once by its own "
                "fold; train the arm on these splits"
            )
        ordered = rows.loc[wanted]
        s = ordered[survival].to_numpy(np.float64)
        found.append((ordered[edge].to_numpy(np.float64), np.where(np.isfinite(s), s, np.nan)))
    if any(np.isnan(edges[:, 0]).any() for edges, _ in found):
        return None
    return Curves(np.stack([e for e, _ in found]), np.stack([s for _, s in found]))


def curves_of(
    frame: pd.DataFrame, *, truth: Truth, splits: Splits, times_months: Sequence[float] | Array
) -> Array:
    """Return S of every tested case on one grid, float64 ``[n_cases, n_times]``.

    Args:
        frame: the predictions table of one arm.
        truth: gives the order of the cases.
        splits: give the fold that tests each case.
        times_months: the grid, inside the range of every fold and seed.

    Raises:
        ConfigError: the table holds no curves, or a time is outside the range.
        ArtifactError: a case is not tested once per seed by its fold.
    """
    arm = frame["arm"].iloc[0]
    curves = curves_in(frame, truth=truth, splits=splits)
    if curves is None:
        raise ConfigError(f"arm {arm} has no survival curves; only its ranks can be judged")
    times = np.asarray(times_months, dtype=np.float64)
    if len(times) and (times.min() < 0 or times.max() > curves.range_months):
        raise ConfigError(
            f"arm {arm}: times from {times.min():g} to {times.max():g} months, but every fold "
            f"speaks about 0 to {curves.range_months:g} only"
        )
    return curves.at(times[None, :])


def _at(edges_months: Array, survival: Array, times_months: Array) -> Array:
    n_cases = len(edges_months)
    asked = np.broadcast_to(times_months, (n_cases, times_months.shape[1]))
    found = np.empty(asked.shape)
    for rows in _alike(edges_months):
        edges = edges_months[rows[0]]
        edges = np.concatenate([[0.0], edges[~np.isnan(edges)]])
        log_s = np.zeros((len(rows), len(edges)))
        log_s[:, 1:] = np.log(np.maximum(survival[rows, : len(edges) - 1], _LEAST))
        found[rows] = _interpolated(asked[rows], edges=edges, log_s=log_s)
    return found


def _interpolated(asked: Array, *, edges: Array, log_s: Array) -> Array:
    right = np.clip(np.searchsorted(edges, asked, side="left"), 1, len(edges) - 1)
    share = (asked - edges[right - 1]) / (edges[right] - edges[right - 1])
    left = np.take_along_axis(log_s, right - 1, axis=1)
    value = left + share * (np.take_along_axis(log_s, right, axis=1) - left)
    return np.where(asked <= edges[-1], np.exp(np.minimum(value, 0.0)), np.nan)


def _alike(edges_months: Array) -> list[NDArray[np.intp]]:
    """Return the rows that share their edges, group by group."""
    known = np.nan_to_num(edges_months, nan=-1.0)
    _, group = np.unique(known, axis=0, return_inverse=True)
    group = group.reshape(-1)
    return [np.flatnonzero(group == number) for number in range(int(group.max()) + 1)]
