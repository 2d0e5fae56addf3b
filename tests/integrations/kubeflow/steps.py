"""A process that has imported what steps need and forks one for each command that it is given.

A forked command is a process of its own, with its own environment, folder and exit code; only the
seconds that imports take are shared.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from typing import IO, Any

_SHARED = (
    *("shazam.cli.launch", "shazam.integrations.kubeflow.orchestrator", "great_expectations"),
    *("mlflow", "zenml.entrypoints.step_entrypoint_configuration", "sksurv.metrics", "pyarrow"),
    "zenml.zen_stores.rest_zen_store",
)


def main() -> None:
    """Run commands, a JSON line each, until the input ends; exit codes are the answers."""
    from shazam.integrations.environment import quieten

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # imports have things to say
    quieten()
    for name in _SHARED:
        importlib.import_module(name)
    command = _serve(answers)
    if command is not None:
        _become(command)


def _serve(answers: IO[str]) -> dict[str, Any] | None:
    """Return a command in the process that was forked for it, and nothing in the server."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            return dict(json.loads(line))
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)
    return None


def _become(command: dict[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(command["environment"])
    os.chdir(command["folder"])
    log = os.open(command["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, sys.stdout.fileno())
    os.dup2(log, sys.stderr.fileno())
    sys.argv = [command["module"], *command["arguments"]]
    runpy.run_module(command["module"], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
