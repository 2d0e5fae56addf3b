"""Environment of the outer libraries: embedded stores in the workspace, telemetry and noise off.

Values that the user has set are kept, so a shared ZenML server or MLflow server is used by
setting that library's own variables.
"""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path

from shazam.stages import SOURCE_ROOT
from shazam.workspace import WORKSPACE_VARIABLE, Workspace

_ALWAYS = {
    "ZENML_ANALYTICS_OPT_IN": "false",
    "ZENML_CUSTOM_SOURCE_ROOT": str(SOURCE_ROOT),
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DVC_NO_ANALYTICS": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
_UNLESS_SET = {
    "ZENML_LOGGING_VERBOSITY": "CRITICAL",
    "ZENML_DISABLE_STEP_LOGS_STORAGE": "true",
    "ZENML_ENABLE_REPO_INIT_WARNINGS": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "TQDM_DISABLE": "1",
    "ZENML_LOGGING_COLORS_DISABLED": "true",
    "OMP_NUM_THREADS": str(os.cpu_count() or 1),
}
_NOISY = ("alembic", "mlflow", "great_expectations", "dvc", "dvc_data", "dvc_objects", "zenml")


def prepare_environment(workspace: Workspace) -> None:
    """Set the variables of the outer libraries; call it before any of them is imported."""
    root = workspace.root.resolve()
    os.environ.update(_ALWAYS)
    os.environ[WORKSPACE_VARIABLE] = str(root)
    for name, value in {
        **_UNLESS_SET,
        "ZENML_CONFIG_PATH": str(root / "zenml"),
        "MLFLOW_TRACKING_URI": mlflow_uri(root),
    }.items():
        os.environ.setdefault(name, value)
    quieten()


def quieten() -> None:
    """Keep the outer libraries' notices off the terminal; their errors stay."""
    # some of their loggers set a level of their own when they are imported
    for name in (*_NOISY, *logging.root.manager.loggerDict):
        if name.split(".")[0] in _NOISY:
            # failures of a step are told by the command itself
            level = logging.CRITICAL if name.startswith("zenml") else logging.ERROR
            logging.getLogger(name).setLevel(level)
    for module in ("zenml", "mlflow", "great_expectations", "dvc", "alembic", "sqlmodel"):
        warnings.filterwarnings("ignore", module=rf"{module}(\..*)?")
    # of a library below Kubeflow's, on the age of the interpreter
    warnings.filterwarnings("ignore", message="You are using a Python version")


def mlflow_uri(root: Path) -> str:
    """Return the uri of the MLflow store that is embedded in a workspace."""
    return f"sqlite:///{root / 'mlflow.db'}"
