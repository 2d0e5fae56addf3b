"""Processes that serve an owner say what went wrong, but not that the owner was stopped."""

from __future__ import annotations

import pytest

from shazam.owner import _tell_unless_the_owner_left


def _told(error: BaseException, capsys: pytest.CaptureFixture[str]) -> str:
    _tell_unless_the_owner_left(type(error), error, None)
    return capsys.readouterr().err


@pytest.mark.parametrize("error", [BrokenPipeError(), ConnectionResetError(), EOFError()])
def test_an_owner_that_left_is_not_told(
    error: BaseException, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _told(error, capsys) == ""


def test_anything_else_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert "KeyError: 'lost'" in _told(KeyError("lost"), capsys)
