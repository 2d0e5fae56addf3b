"""`shazam retrain` as a process of its own, as a scheduled step starts it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from shazam.errors import ConfigError, ExitCode, GateFailedError, ShazamError
from shazam.stages import SOURCE_ROOT
from shazam.workspace import Workspace


def retrained(config: str, *, overrides: Sequence[str], workspace: Workspace) -> str:
    """Retrain if enough is new; return the JSON object that the command prints.

    A pipeline cannot be started from within a step, so the command is a process; what it tells
    goes to this one's stderr.

    Args:
        config: path of the YAML file, absolute or relative to the source tree.
        overrides: ``a.b=value`` texts.
        workspace: where the runs lie.

    Raises:
        ConfigError: nothing can be trained until the configuration or the table is mended.
        GateFailedError: it was trained, and a gate failed.
        ShazamError: a step failed, or another run holds the workspace.
    """
    chosen = [word for text in overrides for word in ("--set", text)]
    path = str(SOURCE_ROOT / config)
    command = [sys.executable, "-m", "shazam.cli.main", "retrain", "--json", "-c", path]
    done = subprocess.run(
        [*command, "-w", str(workspace.root), *chosen],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    print(done.stdout, flush=True)  # the log of the pod tells it too
    match done.returncode:
        case ExitCode.DONE:
            return done.stdout
        case ExitCode.CONFIGURATION:
            raise ConfigError(f"shazam retrain -c {config}: refused; the log above says why")
        case ExitCode.REFUSED:
            raise GateFailedError(
                f"shazam retrain -c {config}: trained, and a gate failed; the report above says "
                "which, and the version has no alias"
            )
        case code:
            raise ShazamError(
                f"shazam retrain -c {config}: ended with {code}; the log above says why"
            )
