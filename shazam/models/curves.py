"""Survival curves of cases: S(t) at the edges that a model was fitted with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from shazam.models.heads import Head, survival_of
from shazam.predictions import curve_columns

FloatArray = npt.NDArray[np.float64]

_MOST = 50.0  # exp(-exp(50)) is 0


@dataclass(frozen=True, slots=True)
class Baseline:
    """What turns a log hazard ratio into a curve, ``S(t) = exp(-H(t) exp(risk))``.

    Args:
        edges_months: times above 0, increasing.
        log_hazard: ``log H`` at the edges, the cumulative hazard of a case whose risk is 0.
    """

    edges_months: tuple[float, ...]
    log_hazard: tuple[float, ...]


class CurveRecord(Protocol):
    """What a fitted member knows about time; empty where it does not tell curves."""

    @property
    def cut_points_months(self) -> tuple[float, ...]: ...

    @property
    def max_time_months(self) -> float | None: ...

    @property
    def baseline_edges_months(self) -> tuple[float, ...]: ...

    @property
    def baseline_log_hazard(self) -> tuple[float, ...]: ...


def curve_table(outputs: FloatArray, *, head: Head, record: CurveRecord) -> pd.DataFrame:
    """Return the columns of a predictions table that hold curves; none where there are no curves.

    Args:
        outputs: float64 ``[n, n_outputs]``, logits of hazards or log hazard ratios.
        head: what the outputs mean.
        record: the member's intervals or its baseline.
    """
    if head is Head.DISCRETE_TIME and record.max_time_months is not None:
        edges = [*record.cut_points_months, record.max_time_months]
        n_used = len(edges) - int(len(edges) > 1 and edges[-1] <= edges[-2])
        survival = survival_of(torch.from_numpy(outputs)).numpy()
        return _table(edges[:n_used], survival[:, :n_used])
    if head is Head.LINEAR_RISK and record.baseline_edges_months:
        baseline = Baseline(record.baseline_edges_months, record.baseline_log_hazard)
        return _table(baseline.edges_months, cox_survival(outputs[:, 0], baseline=baseline))
    return pd.DataFrame(index=range(len(outputs)))


def cox_survival(risks: FloatArray, *, baseline: Baseline) -> FloatArray:
    """Return S at a baseline's edges, ``[n, n_edges]``, of log hazard ratios ``[n]``."""
    log_hazard = risks[:, None] + np.array(baseline.log_hazard)
    survival: FloatArray = np.exp(-np.exp(np.minimum(log_hazard, _MOST)))
    return survival


def _table(edges_months: Sequence[float], survival: FloatArray) -> pd.DataFrame:
    edge, s = curve_columns(len(edges_months))
    edges = np.broadcast_to(np.array(edges_months), survival.shape)
    return pd.DataFrame(np.hstack([edges, survival]), columns=[*edge, *s])
