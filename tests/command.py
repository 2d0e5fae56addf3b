"""Run the `shazam` command as a user does: in a process of its own."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from shazam.stages import SOURCE_ROOT

_LEFT_OUT = ("ZENML_", "MLFLOW_", "SHAZAM")


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


def shazam(
    *arguments: str | Path,
    cwd: Path | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Outcome:
    """Run a command without the caller's settings of ZenML, MLflow and Shazam."""
    done = subprocess.run(
        _command(arguments),
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**_kept_environment(), **environment},
        timeout=900,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def start_shazam(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start a command that the test will stop; its pipes are open."""
    return subprocess.Popen(
        _command(arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_kept_environment(),
    )


def _command(arguments: Sequence[str | Path]) -> list[str]:
    return [sys.executable, "-m", "shazam.cli.main", *map(str, arguments)]


def _kept_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith(_LEFT_OUT)}


def settings(values: Sequence[str]) -> list[str]:
    """Return the --set options of some ``a.b=value`` texts."""
    return [part for value in values for part in ("--set", value)]


def readme_commands() -> list[list[str]]:
    """Return the arguments of every `shazam` command in the README's blocks."""
    text = (SOURCE_ROOT / "README.md").read_text()
    lines = re.findall(r"^\s*\.venv/bin/shazam (.*)$", text, re.MULTILINE)
    return [shlex.split(line, comments=True) for line in lines]
