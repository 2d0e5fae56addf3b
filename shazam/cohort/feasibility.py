"""Why a split cannot be made: said before the solver is asked."""

from __future__ import annotations

import numpy as np

from shazam.cohort.groups import Groups, Quantities
from shazam.config.cohort import Task
from shazam.config.splits import Scheme, SplitsConfig
from shazam.errors import ConfigError

MAX_GROUP_SHARE = 0.5


def check_feasible(
    groups: Groups, *, quantities: Quantities, config: SplitsConfig, unit: str, n_folds: int
) -> None:
    """Refuse a request that no assignment can meet, with all reasons.

    Args:
        groups: sites or cases.
        quantities: what is balanced; the first is the number of cases.
        config: the scheme, for the message.
        unit: "site" or "case", for the message.
        n_folds: the number of folds asked for.

    Raises:
        ConfigError: too few groups, one group too large, too few groups with events, or a class
            that would be missing from some training part.
    """
    reasons = [
        *_too_few(groups, n_folds=n_folds, unit=unit),
        *_too_large(groups, quantities=quantities, unit=unit),
        *_too_rare(groups, quantities=quantities, n_folds=n_folds, unit=unit),
    ]
    if reasons:
        raise ConfigError(infeasible(reasons, config=config, unit=unit, n_folds=n_folds))


def infeasible(reasons: list[str], *, config: SplitsConfig, unit: str, n_folds: int) -> str:
    """Return the message of a request that cannot be met, with what to do next."""
    listed = "\n".join(f"  - {reason}" for reason in reasons)
    left_out = config.scheme is Scheme.LEAVE_ONE_SITE_OUT
    advice = (
        "choose balanced folds (splits.scheme=kfold)"
        if left_out
        else ("choose fewer folds (splits.n_folds)")
    )
    if unit == "site" and not left_out:
        advice += ", or let sites be shared (splits.sites=ignored), which the report then says"
    return f"{n_folds} folds cannot be made:\n{listed}\n{advice}"


def _too_few(groups: Groups, *, n_folds: int, unit: str) -> list[str]:
    if len(groups.names) >= n_folds:
        return []
    return [f"{len(groups.names)} {unit}(s) cannot fill {n_folds} folds"]


def _too_large(groups: Groups, *, quantities: Quantities, unit: str) -> list[str]:
    reasons = []
    balanced = 2 if quantities.task is Task.SURVIVAL else 1
    for number, name in enumerate(quantities.names[:balanced]):
        counts = groups.counts[:, number]
        largest, total = int(counts.argmax()), int(counts.sum())
        if counts[largest] > MAX_GROUP_SHARE * total:
            reasons.append(
                f"{unit} '{groups.names[largest]}' holds {counts[largest] / total:.0%} of the "
                f"{name} ({counts[largest]} of {total}); when it is tested, too little is left"
            )
    return reasons


def _too_rare(groups: Groups, *, quantities: Quantities, n_folds: int, unit: str) -> list[str]:
    holding = np.count_nonzero(groups.counts, axis=0)
    if quantities.task is Task.SURVIVAL:
        if holding[1] >= n_folds:
            return []
        return [f"only {holding[1]} {unit}(s) have events, so a fold would have none to test"]
    return [
        f"class '{name}' occurs in {holding[number]} {unit} only; it would be missing from "
        "training when that one is tested"
        for number, name in enumerate(quantities.classes, start=1)
        if holding[number] < 2
    ]
