"""Gates on what the probes found: can noise be learnt, and do the features tell the site?"""

from __future__ import annotations

from shazam.config.acceptance import AcceptanceConfig
from shazam.evaluation.probe import Canary, ProbeResult
from shazam.evaluation.result import Gate
from shazam.evaluation.wording import metric_label


def canary_gate(canary: Canary | None, *, acceptance: AcceptanceConfig) -> Gate:
    """Ask that an arm refitted on permuted outcomes does no better than guessing."""
    if canary is None:
        return Gate(
            name="canary",
            passed=False,
            observed=None,
            required=None,
            explanation="No arm was refitted on permuted outcomes, so a leak cannot be ruled out.",
        )
    allowed = acceptance.canary_max_standard_errors * canary.standard_error
    distance = abs(canary.mean - canary.chance)
    return Gate(
        name="canary",
        passed=distance <= allowed,
        observed=distance,
        required=allowed,
        explanation=(
            f"{canary.arm} refitted on {canary.n_permutations} permutations of the outcomes "
            f"averages {metric_label(canary.metric)} {canary.mean:.3f}; guessing gives "
            f"{canary.chance:.3f}, and chance alone explains a distance of {allowed:.3f} "
            f"({acceptance.canary_max_standard_errors:g} standard errors)."
        ),
    )


def site_gates(probe: ProbeResult, *, acceptance: AcceptanceConfig) -> tuple[Gate, ...]:
    """Ask, where a bound is set, that no teacher's features tell the site better than it."""
    bound = acceptance.max_site_balanced_accuracy
    if bound is None:
        return ()
    if not probe.sites:
        return (
            Gate(
                name="site_probe",
                passed=False,
                observed=None,
                required=bound,
                explanation=(
                    "The features could not be probed for the site: fewer than two sites with at "
                    "least three cases are known."
                ),
            ),
        )
    worst = max(probe.sites, key=lambda site: site.balanced_accuracy)
    return (
        Gate(
            name="site_probe",
            passed=worst.balanced_accuracy <= bound,
            observed=worst.balanced_accuracy,
            required=bound,
            explanation=(
                f"The features of {worst.teacher} tell the site of a case with a balanced "
                f"accuracy of {worst.balanced_accuracy:.3f} (guessing {worst.chance:.3f}, "
                f"{worst.n_sites} sites); at most {bound:g} is accepted."
            ),
        ),
    )
