"""What `shazam doctor` looks at. Nothing is written, nobody is called, no secret is shown."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from shazam.digest import digest_of_file
from shazam.installed import installed_versions
from shazam.stages import ENVIRONMENT_LOCK, SOURCE_ROOT

# the extras `torch` and `transformers`
OPTIONAL = ("timm", "torch", "torchvision", "transformers")
_ABSENT = "absent"
# where DVC makes a folder for each repository, unless it is told another place
_OF_DVC = "/var/tmp/dvc"  # noqa: S108


class State(StrEnum):
    """How bad a finding is: only what is wrong makes the machine unhealthy."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to do about it if it is wrong."""

    what: str
    state: State
    told: str


def lock_findings(*, root: Path = SOURCE_ROOT) -> Iterator[Finding]:
    """Yield whether the installed packages are those of the lock file."""
    lock = root / ENVIRONMENT_LOCK
    if not lock.is_file():
        yield Finding("lock", State.NOTE, f"{ENVIRONMENT_LOCK} does not lie beside the code")
        return
    pinned = dict(
        line.split("==", maxsplit=1)
        for line in lock.read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    )
    others = [
        f"{name} {version}, not {pinned[name]}"
        for name, version in installed_versions().items()
        if version != _ABSENT and pinned.get(name, version) != version
    ]
    digest = f"sha256 {digest_of_file(lock)[:12]}"
    if others:
        told = f"{digest}; installed are {'; '.join(others)}: results may differ in their bytes"
        yield Finding("lock", State.NOTE, told)
    else:
        yield Finding("lock", State.OK, f"{digest}, and what computes is installed as it says")


def package_findings() -> Iterator[Finding]:
    """Yield which packages that compute are missing."""
    versions = installed_versions()
    missing = [name for name, version in versions.items() if version == _ABSENT]
    needed = [name for name in missing if name not in OPTIONAL]
    if needed:
        told = f"{', '.join(needed)}: not installed; pip install -c {ENVIRONMENT_LOCK} shazam"
        yield Finding("packages", State.WRONG, told)
    else:
        yield Finding("packages", State.OK, f"{len(versions) - len(missing) - 1} that compute")


def place_findings(workspace: Path, *, environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield which folders can be written; the root of a container may be read-only."""
    places = {
        "workspace": workspace,
        "temporary files": Path(tempfile.gettempdir()),
        "DVC_SITE_CACHE_DIR": Path(environment.get("DVC_SITE_CACHE_DIR") or _OF_DVC),
    }
    for name in ("HOME", "ZENML_CONFIG_PATH"):
        if environment.get(name):
            places[name] = Path(environment[name])
    for what, folder in places.items():
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
            made = "" if there == folder else ", will be made"
            yield Finding(what, State.OK, f"{folder} can be written{made}")
        else:
            told = f"{folder} cannot be written by user {os.getuid()}; mount a volume that can be"
            yield Finding(what, State.WRONG, told)


def setting_findings(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Yield which servers are set, by their hosts alone, and settings that are only half there."""
    yield _server("ZenML", "ZENML_STORE_URL", environment, absent="none set: a store of its own")
    yield _server(
        "MLflow", "MLFLOW_TRACKING_URI", environment, absent="none set: a store in the workspace"
    )
    for one, other in (
        ("ZENML_STORE_API_KEY", "ZENML_STORE_URL"),
        ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"),
        ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_USERNAME"),
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
    ):
        if environment.get(one) and not environment.get(other):
            yield Finding("settings", State.WRONG, f"{one} is set without {other}; set both")


def _server(what: str, variable: str, environment: Mapping[str, str], *, absent: str) -> Finding:
    value = environment.get(variable)
    if not value:
        return Finding(what, State.NOTE, absent)
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return Finding(what, State.WRONG, f"{variable} is no URL; correct it")
    if not parts.scheme:
        return Finding(what, State.WRONG, f"{variable} is no URL; correct it")
    # a URL may hold a password, in its middle or at its end
    where = f"//{host}" + (f":{port}" if port else "") if host else " of this machine"
    return Finding(what, State.OK, f"{parts.scheme}:{where} ({variable})")
