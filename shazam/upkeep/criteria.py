"""The criteria of the last registered run against those that are asked now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shazam.config.load import leaves
from shazam.config.retraining import NewCriteria
from shazam.config.tree import Config
from shazam.digest import digest_of
from shazam.errors import ConfigError

FROZEN = ("acceptance", "arms", "evaluation", "splits")
"""Sections that say how a candidate is judged; new data must be judged by the same."""


@dataclass(frozen=True, slots=True)
class CriteriaChange:
    """A section that says how a candidate is judged, and its digest before and now."""

    section: str
    before: str
    now: str


def changed_criteria(before: Config, now: Config) -> tuple[CriteriaChange, ...]:
    """Return the sections that differ.

    Args:
        before: the config of a registered run, as it is kept in the run's folder.
        now: the config of this one.
    """
    pairs = ((name, _digest(before, name), _digest(now, name)) for name in FROZEN)
    return tuple(CriteriaChange(*pair) for pair in pairs if pair[1] != pair[2])


def accepted_criteria(
    changes: Sequence[CriteriaChange], *, version: str, why: str | None
) -> NewCriteria | None:
    """Return what is recorded of changed criteria; None if nothing differs.

    Args:
        changes: the sections that differ.
        version: the registered version that was judged by the earlier ones.
        why: why the new ones are accepted, if they are.

    Raises:
        ConfigError: something differs and nobody said why.
    """
    if not changes:
        return None
    if why is None or not why.strip():
        lines = "\n".join(f"  - {one.section}: {one.before} then, {one.now} now" for one in changes)
        raise ConfigError(
            f"the criteria differ from those that version {version} was judged by:\n{lines}\n"
            'restore them, or accept the new ones and say why: --accept-new-criteria "..."'
        )
    return NewCriteria(
        why=why.strip(),
        version=version,
        before={one.section: one.before for one in changes},
        now={one.section: one.now for one in changes},
    )


def other_changes(before: Config, now: Config) -> tuple[str, ...]:
    """Return the dotted keys of all other values that differ and change results, sorted."""
    then, asked = dict(leaves(before.asked())), dict(leaves(now.asked()))
    differing = (name for name in then.keys() | asked.keys() if then.get(name) != asked.get(name))
    return tuple(sorted(n for n in differing if n.split(".")[0] not in (*FROZEN, "retraining")))


def _digest(config: Config, section: str) -> str:
    return digest_of(getattr(config.asked(), section))
