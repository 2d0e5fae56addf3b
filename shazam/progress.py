"""Progress of a stage: stage, slides done, slides/s, quarantined."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichProgress


class Progress(Protocol):
    """Told by a stage what it has done."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def advance(self) -> None:
        """One unit is done."""

    def quarantine(self, slide_id: str, reason: str) -> None:
        """One unit was set aside."""

    def note(self, text: str) -> None:
        """Something the user should see: of one unit, or why it takes long."""


@dataclass
class LineProgress:
    """Plain lines, at most one each ``every_s`` seconds; for logs and pods."""

    stage: str
    total: int
    unit: str = "slides"
    every_s: float = 5.0
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    quarantined: int = 0

    def __enter__(self) -> Self:
        self._start_s = self._last_s = self.clock()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._say("stopped" if kind else "done")

    def advance(self) -> None:
        self.done += 1
        if self.clock() - self._last_s >= self.every_s:
            self._last_s = self.clock()
            self._say("running")

    def quarantine(self, slide_id: str, reason: str) -> None:
        self.quarantined += 1
        self.note(f"quarantined {slide_id}: {reason}")

    def note(self, text: str) -> None:
        print(f"{self.stage}: {text}", file=self.stream, flush=True)

    def _set_aside(self) -> str:
        return f", {self.quarantined} quarantined" if self.unit == "slides" else ""

    def _say(self, state: str) -> None:
        elapsed_s = max(self.clock() - self._start_s, 1e-9)
        print(
            f"{self.stage}: {self.done}/{self.total} {self.unit} {state}, "
            f"{self.done / elapsed_s:.1f} {self.unit}/s{self._set_aside()}",
            file=self.stream,
            flush=True,
        )


class BarProgress:
    """A bar on a terminal."""

    def __init__(self, stage: str, total: int, unit: str, console: Console) -> None:
        self._bar = RichProgress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("{task.fields[quarantined]} quarantined"),
            TimeElapsedColumn(),
            console=console,
        )
        self._unit = unit
        self._quarantined = 0
        self._task = self._bar.add_task(stage, total=total, rate="", quarantined=0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def advance(self) -> None:
        speed = self._bar.tasks[0].speed or 0.0
        self._bar.update(self._task, advance=1, rate=f"{speed:.1f} {self._unit}/s")

    def quarantine(self, slide_id: str, reason: str) -> None:
        self._quarantined += 1
        self._bar.update(self._task, quarantined=self._quarantined)
        self.note(f"quarantined {slide_id}: {reason}")

    def note(self, text: str) -> None:
        self._bar.console.print(f"  {text}", highlight=False, markup=False)


def console_progress(stage: str, total: int, *, unit: str = "slides") -> Progress:
    """Return a bar when standard error is a terminal, plain lines otherwise."""
    console = Console(stderr=True)
    if console.is_terminal:
        return BarProgress(stage, total, unit, console)
    return LineProgress(stage, total, unit)


class SilentProgress:
    """Says nothing; for work that is counted by somebody else."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def advance(self) -> None:
        """One unit is done."""

    def quarantine(self, slide_id: str, reason: str) -> None:
        """One unit was set aside."""

    def note(self, text: str) -> None:
        """Nobody waits."""


MakeProgress = Callable[[int], Progress]
"""Given how much there is to do, returns what is told of it."""


def silent(_total: int) -> Progress:
    """Return a progress that says nothing."""
    return SilentProgress()
