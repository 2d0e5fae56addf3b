"""Whether what is new suffices to train again."""

from __future__ import annotations

from dataclasses import dataclass

from shazam.config.retraining import LostCases, RetrainingConfig
from shazam.errors import ConfigError
from shazam.upkeep.new_data import NewData, OutcomeKind

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to train, and the counts that say so, each with its threshold."""

    retrain: bool
    reasons: tuple[str, ...]


def decide(found: NewData, *, config: RetrainingConfig) -> Decision:
    """Return whether one of the thresholds is reached.

    A table of imported features differs with every case that is added to it, so it counts as
    changed only where the cases are the same.

    Raises:
        ConfigError: cases were lost, and the config does not accept that.
    """
    _check_lost(found, config=config)
    same_cases = not found.new_cases and not found.lost_cases
    n_changed = len(found.changed_cases) + len(found.changed_files)
    n_changed += len(found.changed_tables) if same_cases else 0
    counts = (
        ("new cases", len(found.new_cases), config.min_new_cases),
        ("late events", len(found.outcomes_of(OutcomeKind.CAME)), config.min_new_events),
        ("changed cases", n_changed, config.min_changed_cases),
        (
            "longer follow-ups",
            len(found.outcomes_of(OutcomeKind.LONGER)),
            config.min_longer_follow_ups,
        ),
    )
    reached = [
        f"{count} {name} (at least {needed} asked)"
        for name, count, needed in counts
        if needed is not None and count >= needed
    ]
    short = [
        f"{count} {name} ({'never counted' if needed is None else f'{needed} needed'})"
        for name, count, needed in counts
        if count and (needed is None or count < needed)
    ]
    return Decision(retrain=bool(reached), reasons=tuple(reached or short or ("nothing is new",)))


def _check_lost(found: NewData, *, config: RetrainingConfig) -> None:
    if not found.lost_cases or config.lost_cases is LostCases.ACCEPT:
        return
    shown = ", ".join(found.lost_cases[:_SHOWN])
    more = "" if len(found.lost_cases) <= _SHOWN else ", ..."
    raise ConfigError(
        f"{len(found.lost_cases)} cases of the last registered version are gone from the table "
        f"({shown}{more}); put them back, or say retraining.lost_cases: accept to train without "
        "them"
    )
