"""SIGTERM and SIGINT end a command cleanly, wherever in it they arrive."""

from __future__ import annotations

import signal
import sys
from types import FrameType, TracebackType
from typing import NoReturn, Self

from shazam.errors import ExitCode

_STOPS = (signal.SIGTERM, signal.SIGINT)
_AGAIN_AFTER_S = 0.01


class Stopping:
    """While entered, a signal to stop raises SystemExit with the exit code of a clean stop.

    Python drops what is raised within a finaliser or the callback of a weak reference, and with it
    a stop that arrives there; so a stop that was dropped is raised again a moment later.
    """

    __slots__ = ("_before", "_hook", "asked")

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> Self:
        self._hook = sys.unraisablehook
        self._before = {
            number: signal.signal(number, self._stop) for number in (*_STOPS, signal.SIGALRM)
        }
        sys.unraisablehook = self._dropped
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = self._hook
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)

    def _stop(self, _number: int, _frame: FrameType | None) -> NoReturn:
        # a library that is interrupted within a call may turn the exit into an error of its own
        self.asked = True
        raise SystemExit(int(ExitCode.STOPPED))

    def _dropped(self, what: sys.UnraisableHookArgs) -> None:
        if self.asked and isinstance(what.exc_value, SystemExit):
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_AFTER_S)
        else:
            self._hook(what)
