"""A signal stops a command wherever it arrives, and leaves the process as it was."""

import contextlib
import os
import signal
import sys
import threading
import time
import weakref

import pytest

from shazam.errors import ConfigError
from shazam.integrations.zenml import WrongConfiguration, step_boundary
from shazam.stopping import Stopping


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


def swallow():
    with contextlib.suppress(SystemExit):
        stop()


def stopped_within_a_library():
    try:
        wait_after(stop)
    except SystemExit as error:
        raise ConfigError("cannot read") from error


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


def test_the_handler_before_is_called_whatever_it_raises():
    told = []

    def of_an_orchestrator(number, frame):
        told.append(number)
        raise RuntimeError("interrupted")

    before = signal.signal(signal.SIGTERM, of_an_orchestrator)
    try:
        with pytest.raises(SystemExit) as stopped, Stopping():
            wait_after(in_a_finaliser)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert stopped.value.code == 143
    assert told == [signal.SIGTERM]


def test_what_a_library_makes_of_the_interruption_ends_as_a_stop(capsys):
    with pytest.raises(SystemExit) as stopped, Stopping():
        stopped_within_a_library()
    assert stopped.value.code == 143
    assert capsys.readouterr().err == "error: cannot read\n"


def test_a_stop_that_a_library_swallows_is_one_at_the_end():
    with pytest.raises(SystemExit) as stopped, Stopping():
        swallow()
    assert stopped.value.code == 143


def test_the_alarm_of_somebody_else_rings():
    told = []
    before = signal.signal(signal.SIGALRM, lambda *_: told.append("alarm"))
    try:
        with Stopping() as stopping:
            signal.raise_signal(signal.SIGALRM)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert told == ["alarm"]
    assert not stopping.asked


def test_another_thread_leaves_the_handlers_alone():
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = [*map(signal.getsignal, numbers), sys.unraisablehook]
    within = []

    def work():
        with Stopping():
            within.extend([*map(signal.getsignal, numbers), sys.unraisablehook])

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert within == before


def test_a_step_that_is_stopped_is_not_a_wrong_configuration():
    with pytest.raises(SystemExit) as stopped, step_boundary():
        stopped_within_a_library()
    assert not isinstance(stopped.value, WrongConfiguration)
    assert stopped.value.code == 143


def test_the_process_is_left_as_it_was():
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)
    before = [*map(signal.getsignal, numbers), sys.unraisablehook]
    with Stopping():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert [*map(signal.getsignal, numbers), sys.unraisablehook] == before
