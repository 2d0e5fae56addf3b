"""A bootstrap of Harrell's and Uno's C of many arms, against scikit-survival in a loop.

The loop is timed on a few draws and scaled to all of them: it takes the same time for each.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sksurv.metrics import concordance_index_censored, concordance_index_ipcw
from sksurv.util import Surv
from threadpoolctl import threadpool_limits

from benchmarks.rows import Bound, Row
from shazam.evaluation.bootstrap import bootstrap_counts
from shazam.evaluation.censoring import follow_up_months
from shazam.evaluation.metrics import metrics_of
from shazam.evaluation.pairs import Array
from shazam.evaluation.truth import Truth

N_CASES = 1000
N_ARMS = 10
N_DRAWS = 1000
N_THREADS = 2
_LOOP = "scikit-survival in a loop, scaled from its first draws"


def measure(
    *,
    only: str | None,
    n_cases: int = N_CASES,
    n_arms: int = N_ARMS,
    n_draws: int = N_DRAWS,
    n_in_loop: int = 3,
) -> Iterator[Row]:
    """Yield the rows whose name holds a text.

    Args:
        only: the text; None yields all.
        n_cases: cases in 5 folds.
        n_arms: arms that are drawn together.
        n_draws: bootstrap draws.
        n_in_loop: draws that the loop is timed on.
    """
    names = [f"bootstrap of C, {name}" for name in ("seconds", "against a loop", "difference")]
    wanted = [name for name in names if only is None or only in name]
    if not wanted:
        return
    truth, risks = made_cohort(n_cases=n_cases, n_arms=n_arms)
    counts = bootstrap_counts(truth.fold, n_replicates=n_draws, seed=0)
    with threadpool_limits(N_THREADS):
        started = time.perf_counter()
        ours = vectorised(risks, truth=truth, counts=counts)
        ours_s = time.perf_counter() - started
        started = time.perf_counter()
        theirs = looped(risks, truth=truth, counts=counts[:n_in_loop])
        loop_s = (time.perf_counter() - started) * n_draws / n_in_loop
    difference = float(np.abs(ours[:, :, :n_in_loop] - theirs).max())
    measured = {"ours_s": ours_s, "loop_s_scaled": loop_s, "draws_in_loop": n_in_loop}
    rows = (
        Row(names[0], "20 s", ours_s / 20, Bound.AT_MOST, 1.0, measured),
        Row(names[1], _LOOP, loop_s / ours_s, Bound.AT_LEAST, 10.0, measured),
        Row(names[2], _LOOP, difference, Bound.AT_MOST, 1e-12, {"largest_difference": difference}),
    )
    yield from (row for row in rows if row.name in wanted)


def made_cohort(*, n_cases: int, n_arms: int) -> tuple[Truth, list[Array]]:
    """Return cases in 5 folds with ties in time, and risks of arms with ties among them."""
    rng = np.random.default_rng(0)
    hazard = rng.normal(size=n_cases)
    died = rng.exponential(40 * np.exp(-hazard))
    left = rng.uniform(1, 90, size=n_cases)
    time_months = np.asarray(np.round(np.minimum(died, left), 1) + 0.1, dtype=np.float64)
    truth = Truth(
        case_ids=tuple(f"case-{number:04}" for number in range(n_cases)),
        fold=np.arange(n_cases, dtype=np.int64) % 5,
        time_months=time_months,
        event=died <= left,
        labels=np.zeros(n_cases, dtype=np.int64),
        classes=(),
    )
    noise = rng.normal(size=(n_arms, n_cases))
    return truth, [np.round(hazard + own, 2) for own in noise]


def vectorised(risks: list[Array], *, truth: Truth, counts: Array) -> Array:
    """Return both C of all arms and draws, float64 ``[n_arms, 2, n_draws]``."""
    return np.array(
        [
            [metric(counts) for metric in metrics_of(risk[:, None], truth=truth).values()]
            for risk in risks
        ]
    )


def looped(risks: list[Array], *, truth: Truth, counts: Array) -> Array:
    """Return the same by calling scikit-survival for every draw, arm and fold."""
    outcome = Surv.from_arrays(truth.event, truth.time_months)
    tau = follow_up_months(truth)
    found = np.zeros((len(risks), 2, len(counts)))
    for number, own in enumerate(counts.astype(np.int64)):
        drawn = [
            (outcome[truth.fold != fold], np.repeat(rows, own[rows]))
            for fold in range(truth.n_folds)
            for rows in [truth.fold_rows(fold)]
        ]
        for arm, risk in enumerate(risks):
            harrell = [
                concordance_index_censored(truth.event[rows], truth.time_months[rows], risk[rows])
                for _, rows in drawn
            ]
            uno = [
                concordance_index_ipcw(train, outcome[rows], risk[rows], tau=tau)
                for train, rows in drawn
            ]
            found[arm, :, number] = _mean(harrell), _mean(uno)
    return found


def _mean(folds: list[tuple[float, int, int, int, int]]) -> float:
    """Return the mean of C over folds by their comparable pairs."""
    values: NDArray[np.float64] = np.array([fold[0] for fold in folds])
    return float(np.average(values, weights=[sum(fold[1:4]) for fold in folds]))
