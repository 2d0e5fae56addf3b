"""A copy of the source tree whose files a test may change, and what became of a run's steps."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from shazam.stages import ENVIRONMENT_LOCK, SOURCE_ROOT

_FOLDERS = ("shazam", "steps", "pipelines", "configs")
_FILES = (ENVIRONMENT_LOCK, "README.md", "tests/__init__.py", "tests/forking.py")


def copy_sources(folder: Path) -> Path:
    """Copy what commands are made of, and the server that starts them."""
    for name in _FOLDERS:
        shutil.copytree(
            SOURCE_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in _FILES:
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(SOURCE_ROOT / name, folder / name)
    return folder


@contextmanager
def changed(path: Path, old: str, new: str) -> Iterator[None]:
    """Change one place of a file for a while."""
    before = path.read_text()
    assert before.count(old) == 1, f"{path}: {old!r}"
    path.write_text(before.replace(old, new))
    try:
        yield
    finally:
        path.write_text(before)


def steps_of_last_run(workspace: Path) -> dict[str, str]:
    """Return the status of each step of the newest run, as ZenML's own store has it."""
    store = workspace / "zenml" / "local_stores" / "default_zen_store" / "zenml.db"
    query = (
        "select name, status from step_run where pipeline_run_id = "
        "(select id from pipeline_run order by created desc limit 1)"
    )
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        return dict(connection.execute(query))


def not_cached(workspace: Path) -> set[str]:
    """Return the steps of the newest run that really ran."""
    statuses = steps_of_last_run(workspace)
    assert set(statuses.values()) <= {"cached", "completed"}, statuses
    return {name for name, status in statuses.items() if status == "completed"}
