"""Whether sites can be kept apart."""

from __future__ import annotations

from collections.abc import Sequence

from shazam.cohort.model import Case
from shazam.config.splits import SitePolicy, SplitsConfig
from shazam.errors import ConfigError


def sites_preserved(cases: Sequence[Case], *, config: SplitsConfig) -> bool:
    """Tell whether sites are kept apart: they are known, and the policy asks for it.

    Raises:
        ConfigError: some cases have a site and others have none.
    """
    without = sorted(case.case_id for case in cases if case.site is None)
    if config.sites is SitePolicy.IGNORED or len(without) == len(cases):
        return False
    if without:
        raise ConfigError(
            f"sites cannot be preserved: {len(without)} case(s) have no site, such as "
            f"{', '.join(without[:5])}; complete the site column or set splits.sites=ignored"
        )
    return True


def site_notes(cases: Sequence[Case], *, preserved: bool) -> tuple[str, ...]:
    """Return what a reader must know where sites are not kept apart."""
    if preserved:
        return ()
    if any(case.site is not None for case in cases):
        return ("sites are ignored as configured: a site may stand in training and test",)
    return ("the cohort names no sites: a site may stand in training and test",)
