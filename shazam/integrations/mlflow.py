"""MLflow as the model store: plain artifacts (safetensors, JSON, Parquet), never a pickle."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shazam.errors import ArtifactError, ConfigError
from shazam.integrations.environment import mlflow_uri, quieten
from shazam.promotion import RegisteredVersion, Registration, StoredVersion
from shazam.promotion.bundle import BUNDLE_FILE
from shazam.publish import publish_link
from shazam.workspace import Workspace

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

BUNDLE_TAG = "shazam.bundle_sha256"


class MlflowModelStore:
    """Versions and aliases in an MLflow tracking server or an embedded SQLite file.

    Args:
        uri: tracking uri.
        artifacts: folder for artifacts of experiments this class makes; None leaves the choice
            to the server.
    """

    def __init__(self, uri: str, *, artifacts: Path | None) -> None:
        import mlflow

        quieten()
        self._client: MlflowClient = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
        self._artifacts = artifacts

    @classmethod
    def of(cls, workspace: Workspace) -> MlflowModelStore:
        """Return the store that ``MLFLOW_TRACKING_URI`` names, else the workspace's own."""
        embedded = mlflow_uri(workspace.root.resolve())
        uri = os.environ.get("MLFLOW_TRACKING_URI", embedded)
        own = workspace.root.resolve() / "mlartifacts" if uri == embedded else None
        return cls(uri, artifacts=own)

    def register(self, registration: Registration) -> RegisteredVersion:
        """Register a bundle, or return the version that holds the same bundle."""
        known = self._version_of(registration.model_name, registration.bundle_sha256)
        if known is not None:
            return RegisteredVersion(version=str(known.version), created=False)
        run_id = self._log_run(registration)
        self._ensure_model(registration.model_name)
        made = self._client.create_model_version(
            name=registration.model_name,
            source=f"{self._client.get_run(run_id).info.artifact_uri}/bundle",
            run_id=run_id,
            tags={BUNDLE_TAG: registration.bundle_sha256, **registration.tags},
        )
        return RegisteredVersion(version=str(made.version), created=True)

    def registered(self) -> frozenset[str]:
        """Return the digests of the bundles of all versions of all models."""
        digests: set[str] = set()
        token = None
        while True:
            found = self._client.search_model_versions(page_token=token)
            digests |= {version.tags[BUNDLE_TAG] for version in found if BUNDLE_TAG in version.tags}
            token = found.token
            if not token:
                return frozenset(digests)

    def alias(self, model_name: str, alias: str) -> str | None:
        """Return the version an alias points at, if any."""
        from mlflow.exceptions import MlflowException

        try:
            return str(self._client.get_model_version_by_alias(model_name, alias).version)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    def find(self, bundle_sha256: str) -> StoredVersion | None:
        """Return a version, of any model, that holds a bundle; None if there is none."""
        found = self._client.search_model_versions(f"tags.`{BUNDLE_TAG}` = '{bundle_sha256}'")
        return _stored(found[0]) if found else None

    def version(self, model_name: str, version: str) -> StoredVersion:
        """Return a version by its number or by an alias that points at it."""
        number = self.alias(model_name, version) or version
        found = self._client.search_model_versions(f"name = '{model_name}'")
        held = next((one for one in found if str(one.version) == number), None)
        if held is None:
            known = ", ".join(sorted(str(one.version) for one in found)) or "none"
            raise ConfigError(
                f"model '{model_name}': no version and no alias '{version}'; versions: {known}"
            )
        if BUNDLE_TAG not in held.tags:
            raise ConfigError(f"model '{model_name}' version {number}: is not of a bundle")
        return _stored(held)

    def fetch(self, model_name: str, version: str, target: Path) -> None:
        """Write the files of a version's bundle, and its ``bundle.json``, into a folder."""
        from mlflow.exceptions import MlflowException

        run_id = str(self._client.get_model_version(model_name, version).run_id)
        with tempfile.TemporaryDirectory() as scratch:
            for path in ("bundle", f"shown/{BUNDLE_FILE}"):
                try:
                    fetched = Path(self._client.download_artifacts(run_id, path, scratch))
                except (MlflowException, OSError) as error:
                    raise ArtifactError(
                        f"model '{model_name}' version {version}: its {path} cannot be fetched "
                        f"from the store: {error}"
                    ) from error
                _copy(fetched, target)

    def point(self, model_name: str, *, alias: str, version: str) -> None:
        """Let an alias point at a version."""
        self._client.set_registered_model_alias(model_name, alias, version)

    def versions(self, model_name: str) -> dict[str, str]:
        """Return the SHA-256 of the bundle of each version of a model that has one."""
        found = self._client.search_model_versions(f"name = '{model_name}'")
        return {str(v.version): v.tags[BUNDLE_TAG] for v in found if BUNDLE_TAG in v.tags}

    def _version_of(self, model_name: str, bundle_sha256: str) -> ModelVersion | None:
        found = self._client.search_model_versions(f"name = '{model_name}'")
        return next((v for v in found if v.tags.get(BUNDLE_TAG) == bundle_sha256), None)

    def _ensure_model(self, model_name: str) -> None:
        if not self._client.search_registered_models(f"name = '{model_name}'"):
            self._client.create_registered_model(model_name)

    def _experiment(self, name: str) -> str:
        experiment = self._client.get_experiment_by_name(name)
        if experiment is not None:
            return str(experiment.experiment_id)
        location = None if self._artifacts is None else (self._artifacts / name).as_uri()
        return str(self._client.create_experiment(name, artifact_location=location))

    def _log_run(self, registration: Registration) -> str:
        experiment_id = self._experiment(registration.model_name)
        tags = {BUNDLE_TAG: registration.bundle_sha256, **registration.tags}
        run_id = str(self._client.create_run(experiment_id, tags=tags).info.run_id)
        for name, value in registration.metrics.items():
            self._client.log_metric(run_id, name, value)
        for name, text in registration.parameters.items():
            self._client.log_param(run_id, name, text)
        self._log_files(run_id, registration.files, folder="bundle")
        self._log_files(run_id, registration.extras, folder="shown")
        self._client.set_terminated(run_id)
        return run_id

    def _log_files(self, run_id: str, files: Mapping[str, Path], *, folder: str) -> None:
        # MLflow keeps a file's own name, so each file is offered under its name in the bundle
        with tempfile.TemporaryDirectory() as scratch:
            for name, path in files.items():
                link = Path(scratch) / PurePosixPath(name)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path.resolve())
                target = PurePosixPath(folder) / PurePosixPath(name).parent
                self._client.log_artifact(run_id, str(link), target.as_posix())


def _stored(held: ModelVersion) -> StoredVersion:
    return StoredVersion(
        model_name=str(held.name),
        version=str(held.version),
        bundle_sha256=str(held.tags[BUNDLE_TAG]),
    )


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        publish_link(target / source.name, source)
    for path in sorted(source.rglob("*")):
        if path.is_file():
            publish_link(target / path.relative_to(source), path)
