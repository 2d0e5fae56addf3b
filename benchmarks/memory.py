"""How much memory this process and its children hold, slide by slide."""

from __future__ import annotations

import os
from pathlib import Path

from shazam.progress import SilentProgress

_KIB_PER_MIB = 1024


class MemoryWatch(SilentProgress):
    """A progress that notes the memory in use after each slide, MiB in ``mib``."""

    def __init__(self) -> None:
        self.mib: list[float] = []

    def advance(self) -> None:
        """Note the memory in use."""
        self.mib.append(_proportional_mib())

    def quarantine(self, slide_id: str, reason: str) -> None:
        """No slide of a benchmark may be set aside."""
        raise RuntimeError(f"{slide_id}: {reason}")


def _proportional_mib() -> float:
    """Return the memory of this process and its descendants, shared pages counted in parts."""
    return sum(_pss_kib(pid) for pid in _family(os.getpid())) / _KIB_PER_MIB


def _family(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        number = waiting.pop()
        found.append(number)
        for task in Path(f"/proc/{number}/task").glob("*/children"):
            waiting += [int(child) for child in task.read_text().split()]
    return found


def _pss_kib(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
