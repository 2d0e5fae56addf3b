"""The gate on the site probe: may the estimate live on what features tell of the site?"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from shazam.evaluation.probe import ProbeResult, SiteProbe
from shazam.evaluation.result import Gate
from shazam.evaluation.site_probe import probed_sites

_LEVEL = 0.05
_NAME = "site_probe"


def site_gate(
    probe: ProbeResult,
    *,
    bound: float | None,
    sites: Sequence[str | None],
    sites_preserved: bool,
    teachers: Collection[str],
) -> Gate:
    """Ask that features tell the site no better than accepted, or that it cannot help.

    Where a bound is set, no teacher may tell the site better. Where none is set, the folds keep
    sites apart, or no teacher that the candidate reads tells it better than guessing (p > 0.05,
    divided by their number). What cannot be probed passes and is said, but for a bound; a probe
    that is missing where there are sites to tell fails.

    Args:
        probe: what was found.
        bound: the balanced accuracy that the acceptance file accepts; None where it sets none.
        sites: of each tested case; None where it is not known.
        sites_preserved: whether the folds promise that no site is tested and fitted on.
        teachers: names of those that the candidate reads.
    """
    known = probed_sites(sites)
    if not known and not probe.sites:
        return _not_known(sites, bound=bound)
    missing = sorted(set(teachers) - {one.teacher for one in probe.sites})
    if missing or not probe.sites:
        return _not_probed(missing, n_sites=len(known), bound=bound)
    if bound is not None:
        return _bounded(_best_told(probe.sites), bound=bound)
    if sites_preserved:
        return _kept_apart(_best_told(probe.sites))
    read = [one for one in probe.sites if one.teacher in teachers]
    return _not_told(read or probe.sites)


def _best_told(probes: Sequence[SiteProbe]) -> SiteProbe:
    return max(probes, key=lambda one: one.balanced_accuracy)


def _told(one: SiteProbe) -> str:
    return (
        f"The features of {one.teacher} tell the site of a case with a balanced accuracy of "
        f"{one.balanced_accuracy:.3f} (guessing {one.chance:.3f}, {one.n_sites} sites)"
    )


def _not_known(sites: Sequence[str | None], *, bound: float | None) -> Gate:
    why = (
        "fewer than two sites with at least three cases are known"
        if any(site is not None for site in sites)
        else "the cohort names no sites"
    )
    return Gate(
        name=_NAME,
        passed=bound is None,
        observed=None,
        required=bound,
        explanation=(
            f"The features could not be probed for the site: {why}. Whether the site helps is not "
            "known."
        ),
    )


def _not_probed(missing: Sequence[str], *, n_sites: int, bound: float | None) -> Gate:
    whom = f"of {', '.join(missing)} " if missing else ""
    return Gate(
        name=_NAME,
        passed=False,
        observed=None,
        required=bound,
        explanation=(
            f"The features {whom}were not probed for the site, though {n_sites} sites have enough "
            "cases."
        ),
    )


def _bounded(best: SiteProbe, *, bound: float) -> Gate:
    return Gate(
        name=_NAME,
        passed=best.balanced_accuracy <= bound,
        observed=best.balanced_accuracy,
        required=bound,
        explanation=f"{_told(best)}; at most {bound:g} is accepted.",
    )


def _kept_apart(best: SiteProbe) -> Gate:
    return Gate(
        name=_NAME,
        passed=True,
        observed=best.balanced_accuracy,
        required=None,
        explanation=(
            f"{_told(best)}. No site is tested and fitted on in one fold, so knowing it does not "
            "help here."
        ),
    )


def _not_told(probes: Sequence[SiteProbe]) -> Gate:
    unsure = [one.teacher for one in probes if one.p_value is None]
    best = min(probes, key=lambda one: (one.p_value or 0.0, -one.balanced_accuracy))
    level = _LEVEL / len(probes)
    if best.p_value is None:
        why = f"the probe of {', '.join(unsure)} has no p-value; run again with --no-cache"
    elif best.p_value <= level:
        why = (
            f"by chance that happens with p = {best.p_value:.3g}. The folds share sites, so the "
            "estimate may live on the site: set splits.sites=preserved, or accept it knowingly by "
            "acceptance.max_site_balanced_accuracy"
        )
    else:
        why = f"by chance that happens with p = {best.p_value:.3g}, no better than guessing"
    return Gate(
        name=_NAME,
        passed=best.p_value is not None and best.p_value > level,
        observed=best.p_value,
        required=level,
        explanation=f"{_told(best)}; {why}.",
    )
