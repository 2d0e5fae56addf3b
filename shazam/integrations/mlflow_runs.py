"""The MLflow run that holds a bundle's files: made once, found again after a lost reply."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from shazam.promotion.store import Registration

if TYPE_CHECKING:
    from mlflow import MlflowClient

BUNDLE_TAG = "shazam.bundle_sha256"
BUNDLE_FOLDER, SHOWN_FOLDER = "bundle", "shown"


@dataclass(frozen=True, slots=True)
class BundleRuns:
    """Runs of one MLflow store.

    Args:
        client: of the store.
        artifacts: folder for artifacts of experiments that are made here; None leaves the choice
            to the server.
    """

    client: MlflowClient
    artifacts: Path | None

    def run_of(self, registration: Registration) -> str:
        """Return the id of a finished run that holds the bundle; it is made if there is none."""
        experiment_id = self._experiment(registration.model_name)
        found = self.client.search_runs(
            [experiment_id],
            f"tags.`{BUNDLE_TAG}` = '{registration.bundle_sha256}' "
            "and attributes.status = 'FINISHED'",
            order_by=["attributes.start_time ASC"],
            max_results=1,
        )
        return str(found[0].info.run_id) if found else self._log(experiment_id, registration)

    def add(self, run_id: str, path: Path) -> None:
        """Show a file beside the bundle of a run; the same file again changes nothing."""
        self._log_files(run_id, {path.name: path}, folder=SHOWN_FOLDER)

    def _experiment(self, name: str) -> str:
        experiment = self.client.get_experiment_by_name(name)
        if experiment is not None:
            return str(experiment.experiment_id)
        location = None if self.artifacts is None else (self.artifacts / name).as_uri()
        from mlflow.exceptions import MlflowException

        try:
            return str(self.client.create_experiment(name, artifact_location=location))
        except MlflowException as error:
            made = self.client.get_experiment_by_name(name)
            if error.error_code != "RESOURCE_ALREADY_EXISTS" or made is None:
                raise
            return str(made.experiment_id)  # by somebody else, just now

    def _log(self, experiment_id: str, registration: Registration) -> str:
        tags = {BUNDLE_TAG: registration.bundle_sha256, **registration.tags}
        run_id = str(self.client.create_run(experiment_id, tags=tags).info.run_id)
        for name, value in registration.metrics.items():
            self.client.log_metric(run_id, name, value)
        for name, text in registration.parameters.items():
            self.client.log_param(run_id, name, text)
        self._log_files(run_id, registration.files, folder=BUNDLE_FOLDER)
        self._log_files(run_id, registration.extras, folder=SHOWN_FOLDER)
        self.client.set_terminated(run_id)
        return run_id

    def _log_files(self, run_id: str, files: Mapping[str, Path], *, folder: str) -> None:
        # MLflow keeps a file's own name, so each file is offered under its name in the bundle
        with tempfile.TemporaryDirectory() as scratch:
            for name, path in files.items():
                link = Path(scratch) / PurePosixPath(name)
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(path.resolve())
                target = PurePosixPath(folder) / PurePosixPath(name).parent
                self.client.log_artifact(run_id, str(link), target.as_posix())
