"""Inner validation: carved out of a fold's training cases, never out of its test cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shazam.cohort.assignment import Limits, NoAssignmentError, assign_groups
from shazam.cohort.balance import Gap
from shazam.cohort.groups import Groups, Quantities, by_case, by_site
from shazam.cohort.model import Case
from shazam.config.splits import SplitsConfig
from shazam.errors import ConfigError

_VALIDATION = 0
_TOLERANCE = 0.5


@dataclass(frozen=True, slots=True)
class Inner:
    """Case ids of the two parts, sorted, what could not be had, and what the balance lacks."""

    train: tuple[str, ...]
    validation: tuple[str, ...]
    note: str | None
    gap: Gap


def carve_validation(
    cases: Sequence[Case],
    *,
    quantities: Quantities,
    config: SplitsConfig,
    seed: int,
    keep_sites_apart: bool,
) -> Inner:
    """Divide a fold's training cases into training and inner validation.

    Tried in order: whole sites; single cases; single cases with some class or the events missing
    from validation. Training keeps at least one of everything.

    Args:
        cases: all cases of the fold that are not tested.
        quantities: what is balanced.
        config: ``validation_fraction`` and the time limit.
        seed: decides among equally good divisions.
        keep_sites_apart: try whole sites first.

    Raises:
        ConfigError: even single cases cannot be divided.
    """
    alone = by_case(cases, quantities=quantities)
    attempts: list[tuple[Groups, bool, str | None]] = [
        (alone, True, "inner validation shares sites with training" if keep_sites_apart else None),
        (alone, False, "inner validation lacks events or a class"),
    ]
    if keep_sites_apart:
        attempts.insert(0, (by_site(cases, quantities=quantities), True, None))
    for groups, complete, note in attempts:
        limits = _limits(groups, config=config, complete=complete)
        try:
            return _divide(groups, limits=limits, config=config, seed=seed, note=note)
        except NoAssignmentError:
            continue
    raise ConfigError(
        f"{len(cases)} training cases cannot be divided into training and inner validation; "
        "add cases, or choose fewer folds (splits.n_folds)"
    )


def _limits(groups: Groups, *, config: SplitsConfig, complete: bool) -> Limits:
    total = groups.counts.sum(axis=0)
    target = total * config.validation_fraction
    least = np.zeros(len(total), dtype=np.int64)
    least[0] = 1
    if complete:
        least = np.maximum(1, np.floor((1 - _TOLERANCE) * target)).astype(np.int64)
    greatest = np.maximum(1, np.ceil((1 + _TOLERANCE) * target)).astype(np.int64)
    kept = np.ones(len(total), dtype=np.int64)
    return Limits(
        least=np.stack([least, kept], axis=1), greatest=np.stack([greatest, total], axis=1)
    )


def _divide(
    groups: Groups, *, limits: Limits, config: SplitsConfig, seed: int, note: str | None
) -> Inner:
    fraction = config.validation_fraction
    assignment = assign_groups(
        groups.counts,
        shares=np.array([fraction, 1 - fraction]),
        limits=limits,
        seed=seed,
        time_limit_s=config.time_limit_s,
    )
    parts: tuple[list[str], list[str]] = ([], [])
    for members, part in zip(groups.members, assignment.bins, strict=True):
        parts[int(part != _VALIDATION)].extend(case.case_id for case in members)
    return Inner(
        validation=tuple(sorted(parts[0])),
        train=tuple(sorted(parts[1])),
        note=note,
        gap=assignment.gap,
    )
