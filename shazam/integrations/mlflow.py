"""MLflow as the model store: plain artifacts (safetensors, JSON, Parquet), never a pickle.

Nothing that a server sends is trusted: callers compare every file with its digest, and what an
alias points at with the ledger.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shazam.errors import ArtifactError, ConfigError, StoreError
from shazam.integrations.environment import mlflow_uri, quieten
from shazam.integrations.mlflow_calls import is_absent, prepare_requests, repeated
from shazam.integrations.mlflow_runs import BUNDLE_FOLDER, BUNDLE_TAG, SHOWN_FOLDER, BundleRuns
from shazam.promotion import RegisteredVersion, Registration, StoredVersion
from shazam.promotion.bundle import BUNDLE_FILE
from shazam.promotion.flow.changes import Place
from shazam.promotion.flow.load import Champion, open_champion
from shazam.promotion.flow.opening import open_registry
from shazam.promotion.folder_check import SIGNATURE_FILE
from shazam.publish import publish_link
from shazam.workspace import Workspace

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.store.entities import PagedList

_PAGE = 1000


def load_champion(
    name: str, *, workspace: Workspace, trust: Path | None = None, ledger: str | None = None
) -> Champion:
    """Return the champion of a model: the ledger says which, and every byte is compared.

    Args:
        name: of the registered model.
        workspace: where its files are brought to.
        trust: the trust file; None takes ``SHAZAM_TRUST_FILE``, else that of this user.
        ledger: URL of its database; None takes ``SHAZAM_LEDGER_URL``, else the workspace's.

    Raises:
        LedgerError: there is no trust file, or the ledger is not the trusted one, whole.
        SignatureError: a signature does not hold.
        RefusedError: there is no champion, it was recalled, or the store differs from the ledger.
        ArtifactError: a byte of the bundle is not what it was.
    """
    registry = open_registry(workspace, ledger=ledger, trust=trust)
    place = Place(store=MlflowModelStore.of(workspace), workspace=workspace)
    return open_champion(name, registry=registry, place=place)


class MlflowModelStore:
    """Versions and aliases in an MLflow tracking server or an embedded SQLite file.

    Args:
        uri: tracking uri.
        artifacts: folder for artifacts of experiments this class makes; None leaves the choice
            to the server.
    """

    def __init__(self, uri: str, *, artifacts: Path | None) -> None:
        prepare_requests()
        import mlflow

        quieten()
        self._client: MlflowClient = mlflow.MlflowClient(tracking_uri=uri, registry_uri=uri)
        self._runs = BundleRuns(client=self._client, artifacts=artifacts)

    @classmethod
    def of(cls, workspace: Workspace) -> MlflowModelStore:
        """Return the store that ``MLFLOW_TRACKING_URI`` names, else the workspace's own."""
        embedded = mlflow_uri(workspace.root.resolve())
        uri = os.environ.get("MLFLOW_TRACKING_URI", embedded)
        own = workspace.root.resolve() / "mlartifacts" if uri == embedded else None
        return cls(uri, artifacts=own)

    def register(self, registration: Registration) -> RegisteredVersion:
        """Register a bundle, or return the version that holds the same bundle.

        A request whose reply is lost is not sent again before it is known that it did nothing.
        """
        return repeated("register a bundle", lambda: self._register(registration))

    def registered(self) -> frozenset[str]:
        """Return the digests of the bundles of all versions of all models."""
        found = self._search(None)
        return frozenset(v.tags[BUNDLE_TAG] for v in found if BUNDLE_TAG in v.tags)

    def alias(self, model_name: str, alias: str) -> str | None:
        """Return the version an alias points at, if any."""
        return repeated("read an alias", lambda: self._alias(model_name, alias))

    def find(self, bundle_sha256: str) -> StoredVersion | None:
        """Return the first version, of any model, that holds a bundle; None if there is none."""
        found = self._search(f"tags.`{BUNDLE_TAG}` = '{bundle_sha256}'")
        return _stored(min(found, key=_number)) if found else None

    def version(self, model_name: str, version: str) -> StoredVersion:
        """Return a version by its number or by an alias that points at it."""
        number = self.alias(model_name, version) or version
        found = self._search(f"name = '{model_name}'")
        held = next((one for one in found if str(one.version) == number), None)
        if held is None:
            known = ", ".join(sorted((str(one.version) for one in found), key=int)) or "none"
            raise ConfigError(
                f"model '{model_name}': no version and no alias '{version}'; versions: {known}"
            )
        if BUNDLE_TAG not in held.tags:
            raise ConfigError(f"model '{model_name}' version {number}: is not of a bundle")
        return _stored(held)

    def fetch(self, model_name: str, version: str, target: Path) -> None:
        """Write the files of a version's bundle, its manifest and signature into a folder."""
        files = self._files_of(self._run_of(model_name, version))
        shown = [f"{SHOWN_FOLDER}/{BUNDLE_FILE}"]
        if (signature := f"{SHOWN_FOLDER}/{SIGNATURE_FILE}") in self._shown(files):
            shown.append(signature)
        for path in (BUNDLE_FOLDER, *shown):
            self._download(files, path, target, of=f"model '{model_name}' version {version}")

    def attach(self, model_name: str, version: str, path: Path) -> None:
        """Show a file beside a version's bundle; the same file again changes nothing."""
        run_id = self._run_of(model_name, version)
        repeated(f"store {path.name}", lambda: self._runs.add(run_id, path))

    def point(self, model_name: str, *, alias: str, version: str | None) -> None:
        """Let an alias point at a version, or at nothing."""

        from mlflow.exceptions import MlflowException

        def move() -> None:
            if version is None:
                self._client.delete_registered_model_alias(model_name, alias)
            else:
                self._client.set_registered_model_alias(model_name, alias, version)

        if version is None and self.alias(model_name, alias) is None:
            return
        try:
            repeated("move an alias", move)
        except MlflowException as error:
            if version is not None:  # an alias that somebody else removed just now is removed
                raise ArtifactError(
                    f"model '{model_name}' version {version}: no longer in the model store, so "
                    f"'{alias}' cannot point at it"
                ) from error

    def versions(self, model_name: str) -> dict[str, str]:
        """Return the SHA-256 of the bundle of each version of a model that has one."""
        found = self._search(f"name = '{model_name}'")
        return {str(v.version): v.tags[BUNDLE_TAG] for v in found if BUNDLE_TAG in v.tags}

    def _register(self, registration: Registration) -> RegisteredVersion:
        name, digest = registration.model_name, registration.bundle_sha256
        known = self._versions_of(name, digest)
        if not known:
            run_id = self._runs.run_of(registration)
            self._ensure_model(name)
            self._client.create_model_version(
                name=name,
                source=f"{self._client.get_run(run_id).info.artifact_uri}/{BUNDLE_FOLDER}",
                run_id=run_id,
                tags={BUNDLE_TAG: digest, **registration.tags},
            )
        first = self._only_first(name, digest)
        return RegisteredVersion(version=first, created=not known)

    def _only_first(self, model_name: str, bundle_sha256: str) -> str:
        """Keep the first version of a bundle; one that was made at the same time is removed."""
        first, *later = sorted(self._versions_of(model_name, bundle_sha256), key=_number)
        for version in later:
            self._remove(model_name, str(version.version))
        return str(first.version)

    def _remove(self, model_name: str, version: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.delete_model_version(model_name, version)
        except MlflowException as error:
            if not is_absent(error):  # the other one has removed it just now
                raise

    def _versions_of(self, model_name: str, bundle_sha256: str) -> list[ModelVersion]:
        found = self._search(f"name = '{model_name}'")
        return [v for v in found if v.tags.get(BUNDLE_TAG) == bundle_sha256]

    def _search(self, asked: str | None) -> list[ModelVersion]:
        found: list[ModelVersion] = []
        token: str | None = None
        while True:
            page = repeated("list versions", partial(self._page, asked, token))
            found += page
            token = page.token
            if not token:
                return found

    def _page(self, asked: str | None, token: str | None) -> PagedList[ModelVersion]:
        return self._client.search_model_versions(asked, max_results=_PAGE, page_token=token)

    def _alias(self, model_name: str, alias: str) -> str | None:
        from mlflow.exceptions import MlflowException

        try:
            return str(self._client.get_model_version_by_alias(model_name, alias).version)
        except MlflowException as error:
            if is_absent(error) or error.error_code == "INVALID_PARAMETER_VALUE":
                return None
            raise

    def _ensure_model(self, model_name: str) -> None:
        from mlflow.exceptions import MlflowException

        if self._client.search_registered_models(f"name = '{model_name}'"):
            return
        try:
            self._client.create_registered_model(model_name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":  # somebody else made it just now
                raise

    def _run_of(self, model_name: str, version: str) -> str:
        from mlflow.exceptions import MlflowException

        try:
            held = repeated(
                "read a version", lambda: self._client.get_model_version(model_name, version)
            )
        except MlflowException as error:
            raise ArtifactError(
                f"model '{model_name}' version {version}: no longer in the model store"
            ) from error
        return str(held.run_id)

    def _files_of(self, run_id: str) -> str:
        """Return where a run's files are: with its address, none of them is asked by the run."""
        return str(repeated("read a run", lambda: self._client.get_run(run_id)).info.artifact_uri)

    def _shown(self, files: str) -> set[str]:
        from mlflow.artifacts import list_artifacts

        where, uri = f"{files}/{SHOWN_FOLDER}", self._client.tracking_uri
        found = repeated("list files", lambda: list_artifacts(artifact_uri=where, tracking_uri=uri))
        return {f"{SHOWN_FOLDER}/{PurePosixPath(one.path).name}" for one in found}

    def _download(self, files: str, path: str, target: Path, *, of: str) -> None:
        from mlflow.artifacts import download_artifacts
        from mlflow.exceptions import MlflowException

        with tempfile.TemporaryDirectory() as scratch:
            try:
                fetched = repeated(
                    f"send {path}",
                    lambda: Path(
                        download_artifacts(
                            artifact_uri=f"{files}/{path}",
                            dst_path=scratch,
                            tracking_uri=self._client.tracking_uri,
                        )
                    ),
                )
            except (MlflowException, OSError, StoreError) as error:
                raise ArtifactError(
                    f"{of}: its {path} cannot be fetched from the store: {error}"
                ) from error
            _copy(fetched, target)


def _number(version: ModelVersion) -> int:
    return int(version.version)


def _stored(held: ModelVersion) -> StoredVersion:
    return StoredVersion(
        model_name=str(held.name),
        version=str(held.version),
        bundle_sha256=str(held.tags[BUNDLE_TAG]),
    )


def _copy(source: Path, target: Path) -> None:
    paths: Sequence[Path] = [source] if source.is_file() else sorted(source.rglob("*"))
    root = source.parent if source.is_file() else source
    for path in paths:
        if path.is_file():
            publish_link(target / path.relative_to(root), path)
