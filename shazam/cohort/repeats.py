"""Repeated cross-validation: several partitions of the same cases."""

from __future__ import annotations

from collections.abc import Sequence

from shazam.cohort.folds import Splits
from shazam.cohort.model import Case
from shazam.cohort.splits import make_splits
from shazam.config.cohort import Task
from shazam.config.splits import Scheme, SplitsConfig
from shazam.errors import ConfigError

_SEEDS_APART = 10_007
_DRAWS_FOR_EACH = 5


def make_repeats(
    cases: Sequence[Case], *, task: Task, config: SplitsConfig, n_repeats: int
) -> tuple[Splits, ...]:
    """Make several balanced partitions, each by the rules of :func:`make_splits`.

    The first is that of ``config`` itself. A partition that was drawn before is drawn again; where
    few sites allow no other, it is taken and its notes say which one it repeats.

    Args:
        cases: the cases that go on, each once.
        task: what is balanced.
        config: as of :func:`make_splits`, scheme ``kfold``.
        n_repeats: how many, at least 1.

    Raises:
        ConfigError: the request cannot be met, or the scheme allows one partition only.
    """
    if n_repeats < 1:
        raise ConfigError(f"{n_repeats} repeats: ask for at least 1")
    if config.scheme is not Scheme.KFOLD:
        raise ConfigError(f"splits.scheme {config.scheme} has one partition; repeat scheme kfold")
    repeats: list[Splits] = []
    seen: dict[frozenset[tuple[str, ...]], int] = {}
    for repeat in range(n_repeats):
        for draw in range(_DRAWS_FOR_EACH):
            seed = config.seed + _SEEDS_APART * (repeat + draw * n_repeats)
            splits = make_splits(cases, task=task, config=config.model_copy(update={"seed": seed}))
            key = frozenset(fold.test for fold in splits.folds)
            if key not in seen:
                break
        else:
            note = f"repeat {repeat} has the test parts of repeat {seen[key]}: no other was found"
            splits = splits.model_copy(update={"notes": (*splits.notes, note)})
        seen.setdefault(key, repeat)
        repeats.append(splits)
    return tuple(repeats)
