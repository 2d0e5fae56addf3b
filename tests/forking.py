"""A process that has imported what the commands need and forks one for each that is asked for.

A forked command is a process of its own, with its own signals, environment, folder and exit code;
only the seconds that imports take are shared.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
import warnings
from pathlib import Path
from typing import Any

from shazam.integrations.environment import prepare_environment
from shazam.workspace import Workspace

_EXTRACT = (
    "shazam.cli.extract",
    "shazam.cohort.sources",
    "shazam.cohort.table",
    "shazam.slides.publish",
    "shazam.teachers.encoder",
)
_PIPELINE = (
    *_EXTRACT,
    "shazam.cli.launch",
    "shazam.cli.summary",
    "shazam.demo",
    "great_expectations",
    "mlflow",
    "dvc.repo",
    "dvc.ui",
)
_OUTER = (
    *("alembic.command", "dvc.repo", "dvc.ui", "great_expectations", "h5py", "matplotlib.figure"),
    *("mlflow", "openslide", "pandas", "pyarrow.dataset", "pydicom", "scipy.optimize"),
    *("skimage.draw", "skimage.filters", "skimage.measure", "skimage.morphology", "sklearn"),
    *("sksurv.linear_model", "sksurv.metrics", "timm", "torch", "zenml.client", "zenml.pipelines"),
    "zenml.zen_stores.sql_zen_store",
)
_IMPORTED_FOR = {
    "extract": _EXTRACT,
    **dict.fromkeys(("run", "repeat", "retrain", "demo", "plan", "gc"), _PIPELINE),
}


def main() -> None:
    """Serve requests, a JSON line each, until the input ends.

    A command's arguments, folder, environment and files of output start it, and its process id is
    the answer. A process id is answered with the exit code, once there is one. With the argument
    ``outer`` only other projects' modules are shared, so that each command reads the sources anew.
    """
    command = _serve(only_outer=sys.argv[1:] == ["outer"])
    if command is not None:
        _become(command)


def _serve(*, only_outer: bool) -> dict[str, Any] | None:
    """Return a command in the process that was forked for it, and nothing in the server."""
    for line in sys.stdin:
        request: int | dict[str, Any] = json.loads(line)
        if isinstance(request, int):
            _, status = os.waitpid(request, 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        _import(_OUTER if only_outer else _IMPORTED_FOR.get(request["arguments"][0], ()))
        if only_outer:
            for name in [name for name in sys.modules if name.split(".")[0] == "shazam"]:
                del sys.modules[name]
        pid = os.fork()
        if pid == 0:
            return request
        print(pid, flush=True)
    return None


def _import(names: tuple[str, ...]) -> None:
    """Import modules as a command does, after its environment was prepared."""
    with warnings.catch_warnings():
        # a place where nothing can be written: imports must not
        prepare_environment(Workspace(Path("/dev/null/nowhere")))
        for name in names:
            importlib.import_module(name)
        if "zenml.pipelines" in sys.modules:
            integrations = importlib.import_module("zenml.integrations.registry")
            integrations.integration_registry.activate_integrations()


def _become(request: dict[str, Any]) -> None:
    """Go on as the command, whose end is the end of this process."""
    for stream, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, request["out"], os.O_WRONLY),
        (2, request["err"], os.O_WRONLY),
    ):
        file = os.open(path, flags)
        os.dup2(file, stream)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[1:] = request["arguments"]
    runpy.run_module("shazam.cli.main", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
