"""What the machine refuses is one message, not a traceback."""

import errno
import sys

import pytest

from shazam.cli import commands, main


def test_a_refused_file_is_named_with_what_to_do(monkeypatch, capsys):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system", "ws/features/a.h5")

    monkeypatch.setattr(commands, "config_show", refuse)
    monkeypatch.setattr(sys, "argv", ["shazam", "config", "show", "-c", "some.yaml"])
    with pytest.raises(SystemExit) as caught:
        main.main()
    assert caught.value.code == 1
    err = capsys.readouterr().err
    assert "error: ws/features/a.h5: Read-only file system; make sure" in err
