"""One run at a time in a workspace, or several extractions; only where it was made."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from shazam.errors import ConfigError, ShazamError
from shazam.publish import publish_json
from shazam.workspace import Workspace

LOCK_FILE = ".shazam.lock"
PLACE_FILE = "workspace.json"


class Occupancy(Enum):
    """Whether a command wants the workspace for itself or together with others of its kind."""

    ALONE = fcntl.LOCK_EX
    SHARED = fcntl.LOCK_SH


@contextmanager
def occupy(workspace: Workspace, occupancy: Occupancy = Occupancy.ALONE) -> Iterator[None]:
    """Hold the workspace for one command; the lock goes with the process, however it ends.

    Raises:
        ConfigError: the folder cannot be written, or was moved or copied here.
        ShazamError: another run holds it.
    """
    try:
        workspace.root.mkdir(parents=True, exist_ok=True)
        lock = (workspace.root / LOCK_FILE).open("a")
    except OSError as error:
        raise ConfigError(f"workspace {workspace.root}: cannot be written: {error}") from error
    with lock:
        try:
            fcntl.flock(lock, occupancy.value | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ShazamError(
                f"workspace {workspace.root}: another run uses it; wait for it or choose another"
            ) from error
        _check_place(workspace.root.resolve())
        yield


@contextmanager
def look(workspace: Workspace) -> Iterator[None]:
    """Look at the workspace without writing anything; a command that wants it alone must wait.

    Raises:
        ConfigError: the folder was moved or copied here.
        ShazamError: a run holds it, so what is seen would change.
    """
    path = workspace.root / LOCK_FILE
    if (workspace.root / PLACE_FILE).exists():
        _check_place(workspace.root.resolve())
    if not path.exists():
        yield
        return
    with path.open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ShazamError(
                f"workspace {workspace.root}: a run uses it; ask again when it has ended"
            ) from error
        yield


def _check_place(root: Path) -> None:
    """Refuse a copy: the embedded stores hold absolute paths and would write into its origin."""
    record = root / PLACE_FILE
    if not record.exists():
        publish_json(record, {"root": str(root)})
        return
    try:
        made_at = json.loads(record.read_bytes())["root"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(
            f"{record}: is damaged, so it is not known where the workspace was made; delete this "
            "file if the workspace was made here"
        ) from error
    if made_at != str(root):
        raise ConfigError(
            f"workspace {root}: was made at {made_at}, and its registry and run history point "
            f"there; move it back, or delete {PLACE_FILE}, zenml, mlflow.db and mlartifacts here "
            "to begin a new history (tiles, features and reports stay)"
        )
