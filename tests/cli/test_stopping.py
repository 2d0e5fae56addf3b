"""A signal stops a command wherever it arrives, and leaves the process as it was."""

import os
import signal
import sys
import time
import weakref

import pytest

from shazam.cli.stopping import Stopping


class Held:
    """Something that a weak reference can point to."""


class Finalised:
    """Something that is stopped while it is thrown away."""

    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)


def stop(*_):
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0)


def in_a_callback():
    held = Held()
    reference = weakref.ref(held, stop)
    del held
    return reference


def in_a_finaliser():
    del_me = Finalised()
    del del_me


def wait_after(lose):
    lose()
    time.sleep(30)


@pytest.mark.parametrize("lose", [stop, in_a_callback, in_a_finaliser])
def test_a_stop_is_never_lost(lose):
    with pytest.raises(SystemExit) as stopped, Stopping() as stopping:
        wait_after(lose)
    assert stopped.value.code == 143
    assert stopping.asked


def test_what_else_is_dropped_goes_where_it_went(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)

    class Broken:
        def __del__(self):
            raise ValueError("broken")

    with Stopping() as stopping:
        broken = Broken()
        del broken
    assert [type(what.exc_value) for what in told] == [ValueError]
    assert not stopping.asked


def test_the_process_is_left_as_it_was():
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = [*map(signal.getsignal, numbers), sys.unraisablehook]
    with Stopping():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert [*map(signal.getsignal, numbers), sys.unraisablehook] == before
