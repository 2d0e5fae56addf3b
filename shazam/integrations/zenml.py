"""ZenML glue: cache policies from the table of stages, and failures as our own errors."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from zenml.client import Client
from zenml.config import CachePolicy
from zenml.models import PipelineRunResponse, StepRunResponse

from shazam import errors
from shazam.errors import ConfigError, ExitCode, ShazamError
from shazam.stages import source_files
from shazam.stopping import Stopping


def cache_by_value(stage: str) -> CachePolicy:
    """Return the policy of a stage: parameters, values of inputs, source files, packages."""
    return CachePolicy(
        include_step_code=True,
        include_step_parameters=True,
        include_artifact_values=True,
        include_artifact_ids=False,
        file_dependencies=list(source_files(stage)),
        cache_func="shazam.installed.installed_digest",  # resolved where the step runs
    )


class WrongConfiguration(SystemExit):
    """The end of a step that no retry can save: exit code 45, and what is wrong as its text."""

    def __init__(self, why: str) -> None:
        super().__init__(int(ExitCode.CONFIGURATION))
        self._why = why

    def __str__(self) -> str:
        return self._why


@contextmanager
def step_boundary() -> Iterator[None]:
    """End a step that is stopped with exit code 143, and one of a ConfigError with 45.

    No orchestrator tries a step again that ended with 45.
    """
    try:
        with Stopping():
            yield
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        raise WrongConfiguration(str(error)) from error


def last_run(pipeline_name: str) -> PipelineRunResponse | None:
    """Return the newest run of a pipeline, None where it never ran."""
    try:
        return Client().get_pipeline(pipeline_name).last_run
    except (KeyError, RuntimeError):
        return None


def failure_of(run: PipelineRunResponse) -> ShazamError | None:
    """Return the first failed step's error, as the class it was raised with where that is ours."""
    for name, step in run.steps.items():
        if step.exception_info is not None:
            return _rebuild(name, step)
    return None


def _rebuild(name: str, step: StepRunResponse) -> ShazamError:
    info = step.exception_info
    source = (info.source if info else None) or ""
    message = (info.message if info else None) or "no message"
    if source.endswith(f".{WrongConfiguration.__name__}"):
        return ConfigError(f"step {name}: {message}")
    kind = getattr(errors, source.rpartition(".")[2], None)
    if source.startswith(errors.__name__) and isinstance(kind, type):
        error = ShazamError(f"step {name}: {message}")
        error.exit_code = kind.exit_code  # type: ignore[attr-defined]
        return error
    trace = info.traceback if info else ""
    return ShazamError(f"step {name}: {source.rpartition('.')[2]}: {message}\n{trace}")
