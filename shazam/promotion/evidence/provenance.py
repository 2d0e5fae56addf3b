"""Where a model comes from, as digests: data, teachers, code and the environment. No times."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from shazam.digest import canonical_json, digest_of, digest_of_file
from shazam.errors import ArtifactError
from shazam.manifests import FeatureSetManifest
from shazam.promotion.evidence.gather import Run
from shazam.publish import publish_json
from shazam.stages import COMMIT_VARIABLE, ENVIRONMENT_LOCK, SOURCE_ROOT

NOT_KNOWN = "not known"
MAKING = "making.json"
_SOURCES = ("shazam", "steps", "pipelines")


class Making(BaseModel):
    """The code and environment that a run was first registered with.

    They are kept in the run's folder: a later commit, or a package that the run does not use,
    makes no other bundle of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    git_commit: str
    source_sha256: str
    environment: dict[str, object]

    @property
    def packages(self) -> dict[str, str]:
        """Version of each installed package by its name."""
        found = self.environment.get("packages")
        return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def making_of(run_folder: Path) -> Making:
    """Return what a run was made with; the first call records it.

    Raises:
        ArtifactError: the record is damaged.
    """
    path = run_folder / MAKING
    if not path.is_file():
        made = Making(
            git_commit=git_commit(SOURCE_ROOT),
            source_sha256=source_sha256(SOURCE_ROOT),
            environment=environment(),
        )
        publish_json(path, made)
    try:
        return Making.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ArtifactError(f"{path}: damaged; restore it from a copy, or run again") from error


def provenance_files(run: Run, *, making: Making, key_id: str) -> dict[str, bytes]:
    """Return the manifests of a bundle by their names in it.

    Args:
        run: what was trained and judged, with names.
        making: the code and environment of the run.
        key_id: of the key that made the pseudonyms.
    """
    documents = {
        "manifests/data.json": _data(run, key_id=key_id),
        "manifests/teachers.json": [
            teacher.model_dump(mode="json") for teacher in run.inputs.teachers
        ],
        "manifests/splits.json": {
            "splits_sha256": run.document.key.splits,
            "scheme": run.inputs.splits.scheme.value,
            "n_folds": len(run.inputs.splits.folds),
        },
        "manifests/code.json": {
            "git_commit": making.git_commit,
            "source_sha256": making.source_sha256,
            "run_sha256": digest_of(run.document.key),
            "run": run.document.key.model_dump(mode="json"),
        },
        "environment.json": making.environment,
        "licences.json": {
            "intended_use": run.inputs.acceptance.intended_use.value,
            "licences": {teacher.name: teacher.licence for teacher in run.inputs.teachers},
            "obligations": [own.model_dump(mode="json") for own in run.document.result.obligations],
        },
    }
    return {name: canonical_json(document) for name, document in documents.items()}


def environment() -> dict[str, object]:
    """Return what the code ran on: interpreter, platform, lock file and installed versions."""
    lock = SOURCE_ROOT / ENVIRONMENT_LOCK
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
        "requirements_lock_sha256": digest_of_file(lock) if lock.is_file() else NOT_KNOWN,
        "packages": installed(),
    }


def installed() -> dict[str, str]:
    """Return the version of each package that is installed, by its name in lower case."""
    found = ((own.metadata["Name"], own.version) for own in metadata.distributions())
    return dict(sorted((name.lower().replace("_", "-"), number) for name, number in found if name))


def git_commit(root: Path) -> str:
    """Return the commit of a working tree, or of the image, or that it is not known."""
    try:
        found = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "--verify", "HEAD"],
            capture_output=True,
            check=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return os.environ.get(COMMIT_VARIABLE) or NOT_KNOWN
    return found.stdout.strip() or NOT_KNOWN


def source_sha256(root: Path) -> str:
    """Return the digest of all source files with their names, and of the lock file."""
    content = hashlib.sha256()
    paths = [path for folder in _SOURCES for path in (root / folder).rglob("*") if _counts(path)]
    for path in sorted([*paths, *root.glob(ENVIRONMENT_LOCK)]):
        name = path.relative_to(root).as_posix()
        content.update(f"{name}\0{digest_of_file(path)}\n".encode())
    return content.hexdigest()


def _counts(path: Path) -> bool:
    return path.is_file() and path.suffix != ".pyc"


def _data(run: Run, *, key_id: str) -> Mapping[str, object]:
    """Return digests of lists, never of one slide: who has the slide could tell it by that."""
    features = run.features
    return {
        "key_id": key_id,
        "cohort_sha256": run.inputs.cohort.digest,
        "cohort_file_sha256": features.cohort.sha256,
        "feature_set_sha256": run.document.key.feature_set,
        "n_cases": len(run.inputs.cohort.cases),
        "n_slides": len(run.inputs.cohort.slides),
        "unit": features.unit.value,
        "teachers": _feature_lists(features),
        "versions": [version.model_dump(mode="json") for version in features.versions],
    }


def _feature_lists(features: FeatureSetManifest) -> list[Mapping[str, object]]:
    return [
        {
            "teacher": teacher.name,
            "n_slides": len(entries),
            "features_sha256": digest_of([entry.sha256 for entry in entries]),
            "tiles_sha256": digest_of([entry.tiles_key for entry in entries]),
        }
        for teacher, entries in zip(features.teachers, features.features, strict=True)
    ]
