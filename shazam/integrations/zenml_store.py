"""A copy of ZenML's embedded store to ask questions of, so that the store itself stays as it is."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

_CONFIG, _DATABASE = "config.yaml", "zenml.db"
_STORES = "local_stores"


def store_is_remote() -> bool:
    """Tell whether ZenML's store is a server's; call it after the environment was prepared."""
    if any(name.startswith("ZENML_STORE_") for name in os.environ):
        return True
    store = _settings().get("store") or {}
    return store.get("type", "sql") != "sql" or not str(store.get("url", "sqlite")).startswith(
        "sqlite"
    )


def store_url() -> str:
    """Return where the store is; call it after the environment was prepared.

    An embedded store that was never used has no address yet: nothing is returned.
    """
    given = os.environ.get("ZENML_STORE_URL")
    return given or str((_settings().get("store") or {}).get("url", ""))


def store_is_there() -> bool:
    """Tell whether ZenML was ever used here; call it after the environment was prepared."""
    return (Path(os.environ["ZENML_CONFIG_PATH"]) / _CONFIG).is_file()


@contextmanager
def copied_store() -> Iterator[bool]:
    """Let ZenML use a copy of its embedded store; gives whether there was one to copy.

    The copy is empty where ZenML was never used, or where its store is a server's. Places of
    artifacts are those of the store itself, since cache keys cover them. Call it in a process that
    has not opened a store yet.
    """
    folder = Path(os.environ["ZENML_CONFIG_PATH"])
    before = {name: text for name, text in os.environ.items() if name.startswith("ZENML_")}
    there = store_is_there() and not store_is_remote()
    with tempfile.TemporaryDirectory(prefix="shazam-plan-") as name:
        copy = Path(name)
        settings = _settings() if there else {}
        for variable in (name for name in before if name.startswith("ZENML_STORE_")):
            del os.environ[variable]
        if store := settings.get("store"):
            database = copy / _DATABASE
            _copy_database(Path(str(store["url"]).removeprefix("sqlite:///")), database)
            store |= {
                "url": f"sqlite:///{database}",
                "database": str(database),
                "backup_directory": str(copy / "backup"),
            }
            (copy / _CONFIG).write_text(yaml.safe_dump(settings), encoding="utf-8")
            os.environ["ZENML_LOCAL_STORES_PATH"] = str((folder / _STORES).resolve())
        os.environ["ZENML_CONFIG_PATH"] = str(copy)
        try:
            yield there
        finally:
            os.environ.pop("ZENML_LOCAL_STORES_PATH", None)
            os.environ.update(before)


def _settings() -> dict[str, dict[str, object]]:
    path = Path(os.environ["ZENML_CONFIG_PATH"]) / _CONFIG
    if not path.is_file():
        return {}
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")) or {})


def _copy_database(database: Path, copy: Path) -> None:
    for suffix in ("", "-wal", "-journal"):
        source = database.with_name(f"{database.name}{suffix}")
        if source.is_file():
            shutil.copyfile(source, copy.with_name(f"{copy.name}{suffix}"))
