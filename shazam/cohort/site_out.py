"""Leave one site out: a fold for each site, and for small sites together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shazam.cohort.folds import listed
from shazam.cohort.groups import Groups, Quantities
from shazam.config.cohort import Task
from shazam.config.splits import SplitsConfig


def pool_small_sites(
    groups: Groups, *, quantities: Quantities, config: SplitsConfig
) -> tuple[Groups, tuple[str, ...]]:
    """Join sites that are too small to be tested alone.

    They are joined in order of size until they are large enough together; what is left joins the
    last of these, or the smallest of the sites that stand alone.

    Args:
        groups: sites.
        quantities: what is counted; the first is the number of cases, for survival the second
            that of events.
        config: ``min_site_cases`` and ``min_site_events``.

    Returns:
        One group for each fold, named after its sites, and what was joined.
    """
    least = np.zeros(len(quantities.names), dtype=np.int64)
    least[0] = config.min_site_cases
    if quantities.task is Task.SURVIVAL:
        least[1] = config.min_site_events
    alone: list[list[int]] = []
    pools: list[list[int]] = []
    waiting: list[int] = []
    for number in _by_size(groups.counts):
        if (groups.counts[number] >= least).all():
            alone.append([number])
            continue
        waiting.append(number)
        if (groups.counts[waiting].sum(axis=0) >= least).all():
            pools.append(waiting)
            waiting = []
    if waiting:
        host = pools or alone or [[]]
        host[-1].extend(waiting)
        pools, alone = (pools, alone) if pools or alone else (host, [])
    together = [*alone, *pools]
    notes = tuple(
        f"sites tested together, because some are too small to be tested alone (below "
        f"{config.min_site_cases} cases"
        + (f" or {config.min_site_events} events" if quantities.task is Task.SURVIVAL else "")
        + f"): {listed([groups.names[n] for n in numbers], most=None)}"
        for numbers in together
        if len(numbers) > 1
    )
    return _joined(groups, together), notes


def _by_size(counts: NDArray[np.int64]) -> list[int]:
    keys = (np.arange(len(counts)), -counts[:, 0], -counts[:, min(1, counts.shape[1] - 1)])
    return [int(number) for number in np.lexsort(keys)]


def _joined(groups: Groups, together: Sequence[Sequence[int]]) -> Groups:
    return Groups(
        names=tuple("+".join(sorted(groups.names[n] for n in numbers)) for numbers in together),
        members=tuple(
            tuple(case for n in sorted(numbers) for case in groups.members[n])
            for numbers in together
        ),
        counts=np.stack([groups.counts[list(numbers)].sum(axis=0) for numbers in together]),
    )
