"""The registered runs of a model in a workspace, and the cohort that the last one was made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from shazam.cohort import Cohort, load_cohort
from shazam.config.tree import Config
from shazam.digest import digest_of_file
from shazam.errors import ArtifactError
from shazam.evaluation.document import ReportDocument
from shazam.evaluation.run_folder import METRICS, read_document
from shazam.refs import RegistrationRef
from shazam.workspace import Workspace


@dataclass(frozen=True, slots=True)
class RegisteredRun:
    """A run whose candidate became a version of the model."""

    folder: Path
    version: str
    document: ReportDocument
    config: Config
    cohort: Cohort


@dataclass(frozen=True, slots=True)
class LastRegistered:
    """The registered run to compare with, if it lies here, and versions whose runs do not.

    ``elsewhere`` are the versions that are newer than every run of this workspace.
    """

    run: RegisteredRun | None
    elsewhere: tuple[str, ...]


def last_registered(
    model_name: str, *, now: Cohort, versions: Mapping[str, str], workspace: Workspace
) -> LastRegistered:
    """Return the newest version of a model whose run lies in the workspace.

    A run counts once its ``registration.json`` is there, which is written last. Versions of the
    cohort as it is now come first: nothing is new to them, though others followed.

    Args:
        model_name: name of the registered model.
        now: the cohort as it is now.
        versions: the digest of the bundle of each version that the model store knows.
        workspace: where the runs lie.

    Raises:
        ArtifactError: a file of the run is missing or altered.
    """
    folders = _folders(model_name, versions=versions, workspace=workspace)
    newest_here = max(map(_number, folders), default=(-1, ""))
    newer = sorted((name for name in versions if _number(name) > newest_here), key=_number)
    if not folders:
        return LastRegistered(None, tuple(newer))
    of_now = [name for name, path in folders.items() if _cohort_sha256(path) == now.digest]
    chosen = max(of_now or folders, key=_number)
    run = _read(folders[chosen], version=chosen, workspace=workspace)
    return LastRegistered(run, tuple(newer))


def _folders(
    model_name: str, *, versions: Mapping[str, str], workspace: Workspace
) -> dict[str, Path]:
    found = {}
    for path in sorted((workspace.root / "runs").glob("*/registration.json")):
        try:
            ref = RegistrationRef.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise ArtifactError(f"{path}: not the record of a registration: {error}") from error
        if ref.model_name == model_name and versions.get(ref.version) == ref.bundle_sha256:
            found[ref.version] = path.parent
    return found


def _cohort_sha256(folder: Path) -> str | None:
    path = folder / METRICS
    if not path.is_file():
        return None
    found: object = json.loads(path.read_bytes()).get("cohort_sha256")
    return found if isinstance(found, str) else None


def _number(version: str) -> tuple[int, str]:
    return (int(version) if version.isdecimal() else -1, version)


def _read(folder: Path, *, version: str, workspace: Workspace) -> RegisteredRun:
    document = read_document(folder)
    digest = document.result.cohort_sha256
    path = workspace.root / "cohorts" / digest / "cohort.parquet"
    if not path.is_file():
        raise ArtifactError(
            f"{path}: the cohort of version {version} is missing; run again with --no-cache"
        )
    return RegisteredRun(
        folder=folder,
        version=version,
        document=document,
        config=_config(folder / "config.json", document=document),
        cohort=load_cohort(path),
    )


def _config(path: Path, *, document: ReportDocument) -> Config:
    if not path.is_file() or digest_of_file(path) != document.context.asked.sha256:
        raise ArtifactError(f"{path}: missing or altered; run again with --no-cache")
    try:
        return Config.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ArtifactError(
            f"{path}: an earlier version wrote it, and it cannot be read any more; run "
            f"`shazam run` once with the config of today: {error}"
        ) from error
