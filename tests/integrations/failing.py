"""A run of one step that fails, with the hook that tells of it; arguments: workspace, kind."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import PropertyMock, patch

from shazam.integrations.environment import prepare_environment
from shazam.workspace import Workspace

if __name__ == "__main__":
    prepare_environment(Workspace(Path(sys.argv[1])))

from zenml import pipeline, step
from zenml.client import Client
from zenml.config.retry_config import StepRetryConfig
from zenml.orchestrators import BaseOrchestratorConfig

from shazam.errors import ConfigError
from shazam.integrations.alerts import tell_run_id, tell_wrong_configuration
from shazam.integrations.zenml import step_boundary


@step(enable_cache=False)
def fail(table: str, kind: str) -> None:
    """Fail, with a message that names a case."""
    with step_boundary():
        if kind == "configuration":
            raise ConfigError(f"{table}: case TCGA-05-4244 stands twice")
        raise ValueError(f"{table}: case TCGA-05-4244 has no tile")


@pipeline(enable_cache=False, on_failure=tell_run_id, on_end=tell_wrong_configuration)
def failing(table: str, kind: str) -> None:
    """Fail."""
    fail(table, kind)


if __name__ == "__main__":
    retry = {"configuration": StepRetryConfig(max_retries=3), "other": None}[sys.argv[2]]
    # as on a cluster, where another try is another pod, and exit code 45 has none
    by_pods = PropertyMock(return_value=True)
    try:
        with patch.object(BaseOrchestratorConfig, "handles_step_retries", by_pods):
            failing.with_options(retry=retry)("/data/ward-7/cohort.csv", sys.argv[2])
    except (Exception, SystemExit) as error:  # noqa: BLE001 - however it ends
        print(type(error).__name__, file=sys.stderr)
    (run,) = Client().list_pipeline_runs()
    print(run.status.value, run.id)
