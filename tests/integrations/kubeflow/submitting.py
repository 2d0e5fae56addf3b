"""The `shazam` command with the fake client of Kubeflow; ``-w`` must be among the arguments."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest.mock import patch

from shazam.cli.main import main
from shazam.integrations.environment import prepare_environment
from shazam.workspace import Workspace

if __name__ == "__main__":
    prepare_environment(Workspace(Path(sys.argv[sys.argv.index("-w") + 1])))
    from zenml.integrations.kubeflow.orchestrators import kubeflow_orchestrator

    from tests.integrations.kubeflow.fake_client import Client

    with patch.object(kubeflow_orchestrator, "KFPClient", Client):
        main()
