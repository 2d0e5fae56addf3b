"""Compile the training pipeline of a config for Kubeflow, with ZenML's embedded store.

Arguments: config, workspace, values that override the config's. The YAML is kept by the fake
client; nothing runs.
"""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import PropertyMock, patch

from shazam.integrations.environment import prepare_environment
from shazam.workspace import Workspace

MODULE = "zenml.integrations.kubeflow.orchestrators.kubeflow_orchestrator.KFPClient"
STACK = {
    "name": "shazam-kubeflow",
    "orchestrator": "kubeflow",
    "kubeflow": {"host": "https://kubeflow.example/pipeline", "user_namespace": "team"},
    "registry": "registry.example",
}


def main(config_file: Path, workspace: Path, overrides: list[str]) -> None:
    prepare_environment(Workspace(workspace))
    from zenml.stack import Stack

    from pipelines.training import training
    from shazam.config import load_config
    from shazam.integrations.kubernetes.stack import StackDescription, register_stack
    from shazam.integrations.placement import placed_pipeline
    from tests.integrations.kubeflow.fake_client import Client

    store = str(workspace / "artifacts")
    register_stack(StackDescription.model_validate({**STACK, "artifact_store": store}))
    config = load_config(config_file, overrides=overrides).config
    identities = dict.fromkeys(config.teachers(), "0" * 64)
    arguments = (config, "0" * 64, identities)
    # a server is asked for by ZenML because pods must reach the store
    remote = patch.object(Stack, "requires_remote_server", PropertyMock(return_value=False))
    with remote, patch(MODULE, Client):
        placed_pipeline(training, config.cluster, *arguments)(*arguments)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
