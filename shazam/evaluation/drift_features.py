"""Mean features of two cohorts: their distance, and that of random parts of the reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shazam.config.drift import DriftConfig
from shazam.evaluation.drift_ks import ks_test
from shazam.evaluation.drift_result import TeacherDrift
from shazam.evaluation.drift_space import FeatureSpace, frechet_distances
from shazam.evaluation.pairs import Array

LEAST_CASES = 10
_LEAST_REFERENCE = 4 * LEAST_CASES
_MOST_COMPARED = 50
_MOST_COMPONENTS = 16
_TESTED = 4
_MOST_FITTED = 1000

Rows = NDArray[np.int64]


def feature_drift(
    teacher: str, reference: Array, new: Array, *, config: DriftConfig, n_draws: int
) -> TeacherDrift:
    """Compare the mean features of the cases of two cohorts.

    A random half of the reference fixes the space. The distance of random parts of the other half
    to random parts of the new cohort is held against that of two parts of the other half, all of
    equally many cases: a distance has a bias that falls with their number, and cases that fixed
    the space would lie closer to each other than new ones do. There are at least 10 cases in a
    part, and at most 50: the ratio then does not grow with the cohort. The p-value is that of all
    compared cases dealt anew to the two cohorts.

    Args:
        teacher: its name.
        reference: float64 ``[n_cases, dim]``; NaN where a value is missing, a row of NaN where the
            teacher has not seen the case.
        new: the same of the new cohort, ``[n_new_cases, dim]``.
        config: the seed.
        n_draws: random parts.

    Returns:
        The comparison; not yet adjusted for others, nor held against its bound.
    """
    seen_then, seen_now = (values[~np.isnan(values).all(axis=1)] for values in (reference, new))
    counts = TeacherDrift(
        teacher=teacher,
        n_features=reference.shape[1],
        n_reference=len(seen_then),
        n_new=len(seen_now),
        n_filled=sum(int(np.isnan(values).any(axis=1).sum()) for values in (seen_then, seen_now)),
    )
    for n_cases, least, which in (
        (len(seen_then), _LEAST_REFERENCE, "of the reference"),
        (len(seen_now), LEAST_CASES, "new"),
    ):
        if n_cases < least:
            why = f"too few: {n_cases} case(s) {which}, fewer than {least}"
            return counts.model_copy(update={"remark": why})
    rng = np.random.default_rng(config.seed)
    order = rng.permutation(len(seen_then))
    fitted, held = order[: len(order) // 2][:_MOST_FITTED], order[len(order) // 2 :]
    n_compared = min(len(seen_now), len(held) // 2, _MOST_COMPARED)
    space = FeatureSpace.fit(seen_then[fitted], n_components=min(_MOST_COMPONENTS, n_compared // 2))
    counts = counts.model_copy(update={"n_constant": reference.shape[1] - len(space.kept)})
    if not space.names:
        return counts.model_copy(update={"remark": "the features of the reference do not vary"})
    projected = _Projected(space.project(seen_then[held]), space.project(seen_now))
    return _compared(counts, projected, space=space, n_compared=n_compared, rng=rng, n=n_draws)


@dataclass(frozen=True, slots=True)
class _Projected:
    """Cases that did not fix the space, float64 ``[n_cases, n_coordinates]``."""

    reference: Array
    new: Array


def _compared(
    counts: TeacherDrift,
    cases: _Projected,
    *,
    space: FeatureSpace,
    n_compared: int,
    rng: np.random.Generator,
    n: int,
) -> TeacherDrift:
    dealt = _dealt(len(cases.reference), n_taken=2 * n_compared, n_draws=n, rng=rng)
    one, other = cases.reference[dealt[:, :n_compared]], cases.reference[dealt[:, n_compared:]]
    new = cases.new[_dealt(len(cases.new), n_taken=n_compared, n_draws=n, rng=rng)]
    within, between = frechet_distances(one, other), frechet_distances(one, new)
    distance, expected = float(between.mean()), float(within.mean())
    if expected <= 0.0:
        return counts.model_copy(update={"remark": "the features of the reference do not vary"})
    tested = [*range(min(_TESTED, len(space.spread)))]
    tested += [] if space.off_spread is None else [len(space.spread)]
    components = tuple(
        ks_test(space.names[k], cases.reference[:, k], cases.new[:, k]) for k in tested
    )
    return counts.model_copy(
        update={
            "n_coordinates": len(space.names),
            "n_compared": n_compared,
            "distance": distance,
            "within": expected,
            "ratio": distance / expected,
            "p_value": _chance(cases, n_draws=n, rng=rng),
            "components": components,
        }
    )


def _chance(cases: _Projected, *, n_draws: int, rng: np.random.Generator) -> float:
    """Return how often cases dealt anew to the two cohorts lie as far apart as they do.

    Exact for any distribution, as neither cohort fixed the space; features with long tails give
    great ratios by chance. What was observed is counted once, so that it is never 0.
    """
    pooled, n_reference = np.vstack([cases.reference, cases.new]), len(cases.reference)

    def apart(order: Rows) -> float:
        one, other = pooled[order[:n_reference]], pooled[order[n_reference:]]
        return float(frechet_distances(one[None], other[None])[0])

    observed = apart(np.arange(len(pooled)))
    drawn = np.array([apart(rng.permutation(len(pooled))) for _ in range(n_draws)])
    n_as_far = np.count_nonzero(drawn >= observed * (1 - 1e-9))
    return float((1 + n_as_far) / (n_draws + 1))


def _dealt(n_cases: int, *, n_taken: int, n_draws: int, rng: np.random.Generator) -> Rows:
    """Return rows of random parts without repetition, ``[n_draws, n_taken]``."""
    return np.stack([rng.choice(n_cases, n_taken, replace=False) for _ in range(n_draws)])
