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
        n_workers: processes that fit units; 1 fits them in this one, None as many as suit.
    """

    checkpoints: Path | None = None
    n_workers: int | None = 1


@contextmanager
def executed(
    provenance: Mapping[str, str],
    *,
    workspace: Workspace,
    environment: Mapping[str, str] = os.environ,
) -> Iterator[Execution]:
    """Give how an arm is fitted on this machine, and delete the states when all is done.

    ``SHAZAM_WORKERS`` says how many fits run side by side, by default as many as
    there are cores for their threads, and one on a GPU.

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


def _n_workers(environment: Mapping[str, str]) -> int | None:
    asked = environment.get(WORKERS_VARIABLE)
    if not asked:
        return None
    if not asked.isdecimal() or int(asked) < 1:
        raise ConfigError(f"{WORKERS_VARIABLE}={asked}: give a number of processes, 1 or more")
    return int(asked)
