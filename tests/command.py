"""Run the `shazam` command: in a new interpreter, a process of its own, or this process."""

from __future__ import annotations

import atexit
import io
import json
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import IO
from unittest.mock import patch

import pytest

from shazam.cli.main import main
from shazam.stages import SOURCE_ROOT

_AS_IN_IMAGE = SOURCE_ROOT / "tests" / "as_in_image"
_LEFT_OUT = ("ZENML_", "MLFLOW_", "SHAZAM")
_LONGEST_S = 500


@dataclass(frozen=True)
class Outcome:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        return self.out.splitlines()[-1]

    @property
    def text(self) -> str:
        return self.out + self.err


class Running:
    """A command in a process of its own, forked from one that has imported what it needs."""

    def __init__(
        self,
        arguments: Sequence[str | Path],
        *,
        folder: Path | None,
        environment: Mapping[str, str],
        sources: Path = SOURCE_ROOT,
    ) -> None:
        self._sources = sources
        self._output = tempfile.TemporaryDirectory()
        self._out, self.err_file = (Path(self._output.name) / name for name in ("out", "err"))
        for file in (self._out, self.err_file):
            file.touch()
        request = {
            "arguments": list(map(str, arguments)),
            "folder": str(folder or Path.cwd()),
            "environment": {**_kept_environment(), **environment},
            "out": str(self._out),
            "err": str(self.err_file),
        }
        self.pid = _answer(request, within_s=_LONGEST_S, sources=sources)

    def stop(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def wait(self, *, within_s: float = _LONGEST_S) -> Outcome:
        """Return how it ended; one that does not is killed."""
        try:
            code = _answer(self.pid, within_s=within_s, sources=self._sources)
        except TimeoutError:
            self.stop(signal.SIGKILL)
            _server(self._sources)[1].readline()
            raise
        outcome = Outcome(code, self._out.read_text(), self.err_file.read_text())
        self._output.cleanup()
        return outcome


@cache
def _server(sources: Path) -> tuple[IO[str], IO[str]]:
    """Return where requests go and where answers come from.

    Commands of other sources than these import all of them anew.
    """
    own = sources == SOURCE_ROOT
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.forking", *([] if own else ["outer"])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=sources,
        env={**_kept_environment(), "PYTHONPATH": as_in_image(*([] if own else [sources]))},
    )
    atexit.register(server.__exit__, None, None, None)  # closes its input and waits
    assert server.stdin
    assert server.stdout
    return server.stdin, server.stdout


def _answer(request: object, *, within_s: float, sources: Path) -> int:
    requests, answers = _server(sources)
    requests.write(json.dumps(request) + "\n")
    requests.flush()
    ready, _, _ = select.select([answers], [], [], within_s)
    if not ready:
        raise TimeoutError(f"no answer within {within_s} s to {request}")
    return int(answers.readline())


def shazam(
    *arguments: str | Path,
    cwd: Path | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
    sources: Path = SOURCE_ROOT,
) -> Outcome:
    """Run a command without the caller's settings of ZenML, MLflow and Shazam.

    ``sources`` is a copy of the source tree that the command is taken from.
    """
    return Running(arguments, folder=cwd, environment=environment, sources=sources).wait()


def start_shazam(*arguments: str | Path) -> Running:
    """Start a command that the test will stop."""
    return Running(arguments, folder=None, environment={})


def fresh_shazam(*arguments: str | Path) -> Outcome:
    """Run a command in a new interpreter, as a user does, with imports in the order they come."""
    done = subprocess.run(
        [sys.executable, "-m", "shazam.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=_kept_environment(),
        timeout=_LONGEST_S,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def shazam_here(*arguments: str | Path) -> Outcome:
    """Run a command in this process, which suits those that start no pipeline."""
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.object(sys, "argv", ["shazam", *map(str, arguments)]),
        patch.dict(os.environ, _kept_environment(), clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as stopped,
    ):
        main()
    return Outcome(int(stopped.value.code or 0), out.getvalue(), err.getvalue())


def _kept_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(_LEFT_OUT)}


def as_in_image(*folders: str | Path) -> str:
    """Return a PYTHONPATH of folders, or of what is set, without packages for development."""
    before = folders or [one for one in [os.environ.get("PYTHONPATH")] if one]
    return os.pathsep.join(map(str, [_AS_IN_IMAGE, *before]))


def settings(values: Sequence[str]) -> list[str]:
    """Return the --set options of some ``a.b=value`` texts."""
    return [part for value in values for part in ("--set", value)]


def readme_commands() -> list[list[str]]:
    """Return the arguments of every `shazam` command in the README's blocks."""
    text = (SOURCE_ROOT / "README.md").read_text()
    lines = re.findall(r"^\s*\.venv/bin/shazam (.*)$", text, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]
