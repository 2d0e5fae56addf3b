"""A client of Kubeflow Pipelines without any Kubeflow: it keeps what it is given, or runs it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.integrations.kubeflow.tasks import Kubeflow

FOLDER = "FAKE_KUBEFLOW"  # where pipelines are kept
RUNS = "FAKE_KUBEFLOW_RUNS"  # whether they are run


class Client:
    """What ZenML calls of kfp.Client."""

    def __init__(self, *, host: str, namespace: str) -> None:
        self.where = (host, namespace)

    def create_run_from_pipeline_package(
        self,
        path: str,
        *,
        arguments: dict[str, Any],
        run_name: str,
        enable_caching: bool,
        namespace: str,
    ) -> SimpleNamespace:
        """Keep the pipeline; its id is the name of its file."""
        assert (self.where, arguments) == (("https://kubeflow.example/pipeline", "kubeflow"), {})
        assert (namespace, enable_caching) == ("team", False)
        assert Path(path).stem == run_name
        shutil.copy(path, os.environ[FOLDER])
        return SimpleNamespace(run_id=run_name)

    def wait_for_run_completion(self, *, run_id: str, timeout: int) -> None:
        """Run the pipeline to its end, if that was asked for."""
        assert timeout == 14 * 86_400
        if RUNS in os.environ:
            folder = Path(os.environ[FOLDER])
            Kubeflow(folder).run(folder / f"{run_id}.yaml")
