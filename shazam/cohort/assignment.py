"""Groups to bins by an integer programme, balanced in every counted quantity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, OptimizeResult, milp

from shazam.cohort.balance import Gap

# Beyond each of these shares of the target a further unit of deviation costs one unit more: a
# piecewise linear form of the squared deviation, so one large site does not unbalance the rest.
_BANDS = (0.0, 0.1, 0.3, 0.4, 0.5, 0.6, 0.7)
_INFEASIBLE = 2
_GAP = 0.02  # where the solver stops; what is left of it is told


@dataclass(frozen=True, slots=True)
class Limits:
    """Least and greatest load of each quantity in each bin, both ``[n_quantities, n_bins]``."""

    least: NDArray[np.int64]
    greatest: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Assignment:
    """``bins`` int64 ``[n_groups]``; ``gap`` is how far the balance may be from the best."""

    bins: NDArray[np.int64]
    gap: Gap


class NoAssignmentError(Exception):
    """No assignment keeps the limits (``proven``), or none was found in time."""

    def __init__(self, *, proven: bool) -> None:
        self.proven = proven
        super().__init__("infeasible" if proven else "time limit")


def assign_groups(
    counts: NDArray[np.int64],
    *,
    shares: NDArray[np.float64],
    limits: Limits,
    seed: int,
    time_limit_s: float,
) -> Assignment:
    """Assign each group to one bin so that every quantity comes near to its share.

    Minimises the sum over quantities q and bins k of a convex piecewise linear function of
    ``|load_qk - share_k total_q| / (share_k total_q)``, deviations below one unit being free.
    Groups with equal counts are interchangeable and enter as one integer variable per bin.

    Args:
        counts: int64 ``[n_groups, n_quantities]``, such as cases and events of each site.
        shares: float64 ``[n_bins]``, summing to 1.
        limits: bounds that no bin may leave.
        seed: decides among equally good assignments.
        time_limit_s: seconds after which the best found so far is taken.

    Raises:
        NoAssignmentError: the limits cannot be kept, or nothing was found in time.
    """
    rng = np.random.default_rng(seed)
    kinds, kind_of = np.unique(counts, axis=0, return_inverse=True)
    order = rng.permutation(len(kinds))
    n_of_kind = np.bincount(kind_of.ravel(), minlength=len(kinds))
    result = _solve(
        kinds[order], n_of_kind[order], shares=shares, limits=limits, time_limit_s=time_limit_s
    )
    per_bin = np.empty((len(kinds), len(shares)), dtype=np.int64)
    n_loads = len(kinds) * len(shares)
    per_bin[order] = np.rint(result.x[:n_loads]).astype(np.int64).reshape(len(kinds), -1)
    bins = np.empty(len(counts), dtype=np.int64)
    for kind, bin_counts in enumerate(per_bin):
        members = rng.permutation(np.flatnonzero(kind_of.ravel() == kind))
        bins[members] = np.repeat(np.arange(len(shares)), bin_counts)
    gap = Gap(relative=float(result.mip_gap), finished=bool(result.success))
    return Assignment(bins=bins, gap=gap)


def _solve(
    kinds: NDArray[np.int64],
    n_of_kind: NDArray[np.int64],
    *,
    shares: NDArray[np.float64],
    limits: Limits,
    time_limit_s: float,
) -> OptimizeResult:
    n_kinds, n_quantities = kinds.shape
    n_bins = len(shares)
    n_loads, n_cells = n_kinds * n_bins, n_quantities * n_bins
    target = (kinds.T @ n_of_kind)[:, None] * shares[None, :]
    cost = np.concatenate(
        [np.zeros(n_loads), np.tile(1.0 / np.maximum(target, 1.0).ravel(), len(_BANDS))]
    )
    upper = np.concatenate(
        [np.repeat(n_of_kind, n_bins).astype(float), np.full(len(_BANDS) * n_cells, np.inf)]
    )
    result = milp(
        cost,
        constraints=_constraints(kinds, n_of_kind, target=target, limits=limits),
        integrality=np.concatenate([np.ones(n_loads), np.zeros(len(_BANDS) * n_cells)]),
        bounds=Bounds(np.zeros(len(cost)), upper),
        options={"time_limit": time_limit_s, "mip_rel_gap": _GAP},
    )
    if result.x is None:
        raise NoAssignmentError(proven=result.status == _INFEASIBLE)
    return result


def _constraints(
    kinds: NDArray[np.int64],
    n_of_kind: NDArray[np.int64],
    *,
    target: NDArray[np.float64],
    limits: Limits,
) -> list[LinearConstraint]:
    n_kinds = len(kinds)
    n_bins, n_cells = target.shape[1], target.size
    loads = sparse.kron(kinds.T, sparse.eye_array(n_bins))
    each_once = sparse.kron(sparse.eye_array(n_kinds), np.ones((1, n_bins)))
    no_excess = sparse.csr_array((n_kinds, len(_BANDS) * n_cells))
    no_excess_cells = sparse.csr_array((n_cells, len(_BANDS) * n_cells))
    constraints = [
        LinearConstraint(sparse.hstack([each_once, no_excess]), n_of_kind, n_of_kind),
        LinearConstraint(
            sparse.hstack([loads, no_excess_cells]), limits.least.ravel(), limits.greatest.ravel()
        ),
    ]
    low, high = np.floor(target + 1e-9).ravel(), np.ceil(target - 1e-9).ravel()
    for number, band in enumerate(_BANDS):
        mine = np.zeros((1, len(_BANDS)))
        mine[0, number] = 1.0
        excess = sparse.kron(mine, sparse.eye_array(n_cells))
        slack = band * target.ravel()
        constraints += [
            LinearConstraint(sparse.hstack([loads, -excess]), -np.inf, high + slack),
            LinearConstraint(sparse.hstack([loads, excess]), low - slack, np.inf),
        ]
    return constraints
