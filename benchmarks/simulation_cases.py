"""Simulated cases whose true C is known, and the risks that arms give them.

Each case has a signal, standard normal, and the log hazard ``beta * signal``. Times of death are
exponential, and so are times of censoring, at one rate for all. A risk has a given correlation with
the signal. Then the C of a pair is an integral over two normal signals: no sample is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from shazam.evaluation.pairs import Array
from shazam.evaluation.truth import Truth

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_GRID = np.linspace(-0.999, 0.999, 201)
_MONTHS = 20.0


@dataclass(frozen=True, slots=True)
class World:
    """How patients of a simulation live and are censored.

    Args:
        beta: log hazard ratio per standard deviation of the signal; 0 for a signal without effect.
        censored: share of the cases that is censored.
    """

    beta: float
    censored: float
    censoring_rate: float = field(init=False)
    c_of_grid: Array = field(init=False, repr=False)

    def __post_init__(self) -> None:
        hazard = np.exp(self.beta * _NODES)

        def excess(log_rate: float) -> float:
            rate = np.exp(log_rate)
            return float(_WEIGHTS @ (rate / (rate + hazard))) - self.censored

        rate = float(np.exp(brentq(excess, -20, 20)))
        object.__setattr__(self, "censoring_rate", rate)
        found = [_true_c(rho, hazard=hazard, rate=rate) for rho in _GRID]
        object.__setattr__(self, "c_of_grid", np.array(found))

    def true_c(self, correlation: Array) -> Array:
        """Return Harrell's C of risks with these correlations to the signal, of all cases."""
        return np.interp(correlation, _GRID, self.c_of_grid)

    def correlation_of(self, c: float) -> float:
        """Return the correlation to the signal that gives a C."""
        return float(np.interp(c, self.c_of_grid, _GRID))

    def observe(self, signal: Array, *, n_folds: int, rng: np.random.Generator) -> Truth:
        """Draw what is seen of cases with these signals; folds are of equal size."""
        n_cases = len(signal)
        died = rng.exponential(np.exp(-self.beta * signal))
        left = rng.exponential(1 / self.censoring_rate, size=n_cases)
        return Truth(
            case_ids=tuple(f"c{number:04d}" for number in range(n_cases)),
            fold=rng.permutation(n_cases) % n_folds,
            time_months=_MONTHS * np.minimum(died, left),
            event=died <= left,
            labels=np.zeros(n_cases, dtype=np.int64),
            classes=(),
        )


def draw_risks(
    signal: Array,
    *,
    truth: Truth,
    correlations: Sequence[Array],
    noise_correlation: float,
    rng: np.random.Generator,
) -> list[Array]:
    """Draw the risks that arms give; every fold has its own model, with its own scale.

    Args:
        signal: float64 ``[n_cases]``.
        truth: the fold of each case.
        correlations: of each arm, float64 ``[n_folds]``: of its models' risks to the signal.
        noise_correlation: of what two arms' risks are made of beside the signal.
        rng: source of randomness.
    """
    shared = rng.normal(size=len(signal))
    scale = np.exp(rng.normal(size=truth.n_folds))[truth.fold]
    shift = 3 * rng.normal(size=truth.n_folds)[truth.fold]
    risks = []
    for correlation in correlations:
        own = rng.normal(size=len(signal))
        noise = np.sqrt(noise_correlation) * shared + np.sqrt(1 - noise_correlation) * own
        rho = correlation[truth.fold]
        risks.append(shift + scale * (rho * signal + np.sqrt(1 - rho**2) * noise))
    return risks


def _true_c(rho: float, *, hazard: Array, rate: float) -> float:
    """Return the share of comparable pairs that are concordant.

    The first of two cases is seen to die first at odds of its hazard to that of all else.
    """
    comparable = hazard[:, None] / (hazard[:, None] + hazard[None, :] + 2 * rate)
    apart = _NODES[:, None] - _NODES[None, :]
    concordant = ndtr(rho * apart / np.sqrt(2 * (1 - rho**2)))
    weight = _WEIGHTS[:, None] * _WEIGHTS[None, :] * comparable
    return float((weight * concordant).sum() / weight.sum())
