"""How fits are carried out: nothing here changes a result."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shazam.digest import digest_of
from shazam.errors import ConfigError
from shazam.workspace import Workspace

WORKERS_VARIABLE = "SHAZAM_WORKERS"


@dataclass(frozen=True, slots=True)
class Execution:
    """Where a fit's state is kept, and how many fits run side by side.

    Args:
        checkpoints: folder of the states of units that are under way; None keeps none. It is
            named by everything that the fits depend on.
        n_workers: processes that fit units; 1 fits them in this one.
    """

    checkpoints: Path | None = None
    n_workers: int = 1


@contextmanager
def executed(
    provenance: Mapping[str, str],
    *,
    workspace: Workspace,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[Execution]:
    """Give how an arm is fitted on this machine, and delete the states when all is done.

    ``SHAZAM_WORKERS`` says how many fits run side by side, by default one for each core.

    Args:
        provenance: digests by name of everything that the fits depend on, code included.
        workspace: where the states are kept, in ``checkpoints/<key>``.
        environment: variables.

    Raises:
        ConfigError: the variable is no positive number.
    """
    folder = workspace.root / "checkpoints" / digest_of(dict(provenance))
    yield Execution(checkpoints=folder, n_workers=_n_workers(environment))
    shutil.rmtree(folder, ignore_errors=True)


def _n_workers(environment: Mapping[str, str]) -> int:
    asked = environment.get(WORKERS_VARIABLE)
    if not asked:
        return len(os.sched_getaffinity(0))
    if not asked.isdecimal() or int(asked) < 1:
        raise ConfigError(f"{WORKERS_VARIABLE}={asked}: give a number of processes, 1 or more")
    return int(asked)
