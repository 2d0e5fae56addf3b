"""What is known of the balance of folds: the gap that the solver proved, told with its number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

# the solver's own tolerance of a relative gap that it calls none
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Gap:
    """How far the balance may be from the best, as a share of its own cost.

    ``relative`` is the solver's: cost found minus the least possible cost that it proved, over the
    cost found; infinite where it proved none. ``finished`` says that it stopped by itself and not
    because its time was up: the number is then the same in every run.
    """

    relative: float
    finished: bool

    @property
    def is_none(self) -> bool:
        """Whether the balance is proven to be the best, to the solver's tolerance."""
        return self.relative <= _TOLERANCE


NO_GAP = Gap(relative=0.0, finished=True)


def balance_note(what: str, gaps: Mapping[int | None, Gap], *, time_limit_s: float) -> str | None:
    """Return what a reader must know of the balance; None where all of it is proven to be the best.

    Args:
        what: what was balanced, such as ``the folds``.
        gaps: of each fold, or of all folds together under None.
        time_limit_s: after which the best found so far was taken.
    """
    told = [
        _told(gap, where="" if fold is None else f" in fold {fold}", time_limit_s=time_limit_s)
        for fold, gap in gaps.items()
        if not gap.is_none
    ]
    return f"the balance of {what} is {'; '.join(told)}" if told else None


def _told(gap: Gap, *, where: str, time_limit_s: float) -> str:
    if not math.isfinite(gap.relative):
        return f"not proven to be the best{where} (no bound after {time_limit_s:g} s)"
    percent = 100 * gap.relative
    number = f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"
    if gap.finished:
        return f"proven to be within {number} of the best{where}"
    return f"not proven to be the best{where} (gap {number} after {time_limit_s:g} s)"
