"""What the machine refuses is one message, not a traceback."""

import errno
import sys

import pytest

from shazam.cli import commands, main


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
