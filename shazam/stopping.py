"""SIGTERM and SIGINT end a command or a step cleanly, wherever in it they arrive."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self

from shazam.errors import ExitCode, ShazamError

_STOPS = (signal.SIGTERM, signal.SIGINT)
_AGAIN_AFTER_S = 0.01
_Handler = Callable[[int, FrameType | None], Any] | int | None


class Stopping:
    """While entered, a signal to stop raises SystemExit with the exit code of a clean stop.

    What a library that is interrupted within a call makes of it ends so too: an error of its own,
    which is told on stderr, or nothing at all.
    The handler that was there is called first, whatever it raises: an orchestrator's own tells its
    server. Python drops what is raised within a finaliser or the callback of a weak reference, and
    with it a stop that arrives there; so a stop that was dropped is raised again a moment later.
    Only the main thread gets signals; entered in another one, nothing changes.
    """

    __slots__ = ("_before", "_hook", "_raised_again", "asked")

    def __init__(self) -> None:
        self.asked = False
        self._raised_again = False
        self._before: dict[int, _Handler] = {}

    def __enter__(self) -> Self:
        self._hook = sys.unraisablehook
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._stop) for number in _STOPS}
            self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._stop_again)
            sys.unraisablehook = self._dropped
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._raised_again:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)
        if self._before:
            sys.unraisablehook = self._hook
        if not self.asked or not (error is None or isinstance(error, Exception)):
            return
        if error is not None:
            what = "" if isinstance(error, ShazamError) else f"{type(error).__name__}: "
            sys.stderr.write(f"error: {what}{error}\n")
        raise SystemExit(int(ExitCode.STOPPED)) from error

    def _stop(self, number: int, frame: FrameType | None) -> NoReturn:
        self.asked = True
        try:
            self._ask_the_one_before(number, frame)
        finally:
            raise SystemExit(int(ExitCode.STOPPED))

    def _stop_again(self, number: int, frame: FrameType | None) -> None:
        if self._raised_again:
            raise SystemExit(int(ExitCode.STOPPED))
        self._ask_the_one_before(number, frame)  # somebody else's alarm

    def _ask_the_one_before(self, number: int, frame: FrameType | None) -> None:
        before = self._before.get(number)
        if callable(before):
            before(number, frame)

    def _dropped(self, what: sys.UnraisableHookArgs) -> None:
        if self.asked and isinstance(what.exc_value, SystemExit):
            self._raised_again = True
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_AFTER_S)
        else:
            self._hook(what)
