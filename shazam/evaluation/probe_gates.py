"""Gates on the canaries: can noise be learnt?"""

from __future__ import annotations

import math
from statistics import NormalDist

from shazam.config.acceptance import AcceptanceConfig, CandidateCanary
from shazam.evaluation.probe import Canary, ProbeResult
from shazam.evaluation.result import Gate
from shazam.evaluation.wording import metric_label

_ENOUGH = 10
_WANTED = 0.8
_HINT = " Set arms.canary_candidate_permutations, or leave it out by acceptance.candidate_canary."


def canary_gates(probe: ProbeResult, *, acceptance: AcceptanceConfig) -> tuple[Gate, ...]:
    """Ask that arms refitted on permuted outcomes do no better than guessing.

    The cheap arm is refitted often, the candidate seldom. A spread of few refits is itself unsure,
    so the candidate's standard error is by the greater of its own and the cheap arm's: both were
    scored on the same cases with the same permutations. A candidate that was not refitted fails,
    unless the acceptance file leaves its canary out.
    """
    cheap, own = probe.canary, probe.canary_candidate
    if cheap is None:
        first = _not_refitted("canary", "No arm was")
    else:
        first = _canary_gate("canary", cheap, sd=cheap.sd, acceptance=acceptance)
    if own is None:
        if acceptance.candidate_canary is CandidateCanary.LEFT_OUT:
            told = (
                f"{first.explanation} The candidate itself was not refitted: the acceptance file "
                "leaves its canary out, so a leak that only it has would not be found."
            )
            return (first.model_copy(update={"explanation": told}),)
        return (first, _not_refitted("canary_candidate", "The candidate was not", hint=_HINT))
    if own.arm != acceptance.candidate:
        return (first, _not_refitted("canary_candidate", f"{own.arm} and not the candidate was"))
    of_cheap = 0.0 if cheap is None or own.n_permutations >= _ENOUGH else cheap.sd
    sd = max(own.sd, of_cheap)
    return (first, _canary_gate("canary_candidate", own, sd=sd, acceptance=acceptance))


def detectable_leak(*, sd: float, n_permutations: int, max_standard_errors: float) -> float:
    """Return how far a leak must move the metric to fail the gate with a probability of 0.8.

    The mean of B refits is taken as normal with the standard error ``sd / sqrt(B)``, and the leak
    as moving every refit alike: ``(k + z) sd / sqrt(B)`` with z the 0.8 quantile.

    Args:
        sd: of the metric over permutations.
        n_permutations: B, the number of refits.
        max_standard_errors: k, what the gate allows.
    """
    quantile = NormalDist().inv_cdf(_WANTED)
    return (max_standard_errors + quantile) * sd / math.sqrt(n_permutations)


def _canary_gate(name: str, canary: Canary, *, sd: float, acceptance: AcceptanceConfig) -> Gate:
    most = acceptance.canary_max_standard_errors
    allowed = most * sd / math.sqrt(canary.n_permutations)
    found = detectable_leak(sd=sd, n_permutations=canary.n_permutations, max_standard_errors=most)
    distance = abs(canary.mean - canary.chance)
    constant = len(set(canary.values)) == 1
    text = (
        f"{canary.arm} refitted on {canary.n_permutations} permutations of the outcomes "
        f"averages {metric_label(canary.metric)} {canary.mean:.3f}; guessing gives "
        f"{canary.chance:.3f}, and chance alone explains a distance of {allowed:.3f} "
        f"({most:g} standard errors). A leak that moves it by {found:.3f} would be found with a "
        f"probability of {_WANTED:g}; a smaller one may not."
    )
    if constant:
        text += " Every permutation gave the same value, so the refits cannot be real."
    return Gate(
        name=name,
        passed=distance <= allowed and not constant,
        observed=distance,
        required=allowed,
        explanation=text,
    )


def _not_refitted(name: str, who: str, *, hint: str = "") -> Gate:
    return Gate(
        name=name,
        passed=False,
        observed=None,
        required=None,
        explanation=f"{who} refitted on permuted outcomes, so a leak cannot be ruled out.{hint}",
    )
