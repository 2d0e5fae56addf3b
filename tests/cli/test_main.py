"""What the machine refuses is one message, not a traceback."""

import ctypes
import errno
import os
import signal
import sys

import pytest

from shazam.cli import commands, main
from shazam.errors import ShazamError


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EROFS, "make sure that it can be read"),
        (errno.ENOSPC, "free some space"),
        (errno.EMFILE, "allow more open files"),
    ],
)
def test_a_refused_file_is_named_with_what_to_do(monkeypatch, capsys, number, advice):
    def refuse(*_, **__):
        raise OSError(number, "refused", "ws/features/a.h5")

    monkeypatch.setattr(commands, "config_show", refuse)
    monkeypatch.setattr(sys, "argv", ["shazam", "config", "show", "-c", "some.yaml"])
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == 1
    err = capsys.readouterr().err
    assert f"error: ws/features/a.h5: refused; {advice}" in err


@pytest.mark.parametrize("stopped", [True, False])
def test_a_stop_that_a_library_turns_into_an_error_is_still_a_stop(monkeypatch, capsys, stopped):
    class Argument:
        """What a signal interrupts while it is handed to a library in C."""

        @classmethod
        def from_param(cls, _value):
            if stopped:
                os.kill(os.getpid(), signal.SIGTERM)
            raise TypeError

    def call(*_, **__):
        function = ctypes.CFUNCTYPE(None)(lambda: None)
        function.argtypes = [Argument]
        try:
            function(1)
        except ctypes.ArgumentError as error:
            raise ShazamError(f"step extract: {error}") from error

    monkeypatch.setattr(commands, "config_show", call)
    monkeypatch.setattr(sys, "argv", ["shazam", "config", "show", "-c", "some.yaml"])
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == (143 if stopped else 1)
    assert "error: step extract: argument 1: " in capsys.readouterr().err
