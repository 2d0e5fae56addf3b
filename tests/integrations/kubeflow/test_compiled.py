"""The training pipeline as it is compiled for Kubeflow, step by step, without any Kubeflow."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from shazam.config import load_config
from shazam.config.tree import Config
from shazam.integrations.kubernetes.runs import resources_of
from shazam.stages import SOURCE_ROOT
from tests.command import as_in_image
from tests.integrations.kubeflow.fake_client import FOLDER
from tests.integrations.kubeflow.tasks import Task, read_tasks

pytest.importorskip("kfp", reason="kfp is not installed; pip install 'shazam[kubeflow]'")
pytestmark = pytest.mark.integration

COMPILING = "tests.integrations.kubeflow.compiling"
CONFIG = SOURCE_ROOT / "configs" / "k8s.demo.yaml"
IMAGE = "registry.example/shazam@sha256:" + "a" * 64
CLUSTER = {
    "stack": "shazam-kubeflow",
    "image": IMAGE,
    "image_pull_secrets": ["pull"],
    "gpu_node_selector": {"accelerator": "nvidia-a100"},
    "gpu_tolerations": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
    "node_selector": {"pool": "cpu"},
    "tolerations": [{"key": "team", "value": "pathology"}],
}
OVERRIDES = [
    *(f"cluster.{key}={json.dumps(value)}" for key, value in CLUSTER.items()),
    "cohort.table=/slides/cohort.csv",
    "cohort.slides_dir=/slides",
    "arms.baselines=[mean_pool]",
    "arms.joint=[]",
    "acceptance.compared_to=mean_pool.efficientnet_lite0",
]
ON_GPU = re.compile("extract_.*|train_mean_pool_.*|distill_.*")
GPU = {
    "count": "1",
    "resourceCount": "1",
    "resourceType": "nvidia.com/gpu",
    "type": "nvidia.com/gpu",
}
TRAINED = {"train_mean_pool_efficientnet_lite0", "train_mean_pool_efficientnet_lite1"}
EXTRACTED = {f"extract_efficientnet_lite{n}_{k}_of_2" for n in (0, 1) for k in (0, 1)}
STEPS = {
    *("ingest", "validate", "tile", "validate_features", "split", "freeze", "probe_sites"),
    *("canary", "canary_candidate", "train_clinical", "distill_fusion_student_v2", "probe"),
    *("explain", "evaluate", "register"),
    *EXTRACTED,
    *TRAINED,
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("kubeflow") / "ws"


@pytest.fixture(scope="module")
def text(workspace) -> str:
    """The YAML that Kubeflow would be given."""
    kept = workspace.parent / "kept"
    kept.mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ZENML_", "SHAZAM"))}
    done = subprocess.run(
        [sys.executable, "-m", COMPILING, str(CONFIG), str(workspace), *OVERRIDES],
        env={**environment, FOLDER: str(kept), "PYTHONPATH": as_in_image(*sys.path)},
        cwd=SOURCE_ROOT,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = kept.glob("*.yaml")
    return path.read_text()


@pytest.fixture(scope="module")
def tasks(text) -> dict[str, Task]:
    return read_tasks(text)


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(CONFIG, overrides=OVERRIDES, environment={}).config


def before(tasks: dict[str, Task], step: str) -> set[str]:
    """Return the steps that a step waits for itself."""
    by_name = {task.name: task.step for task in tasks.values()}
    return {by_name[name] for name in tasks[step].after}


def test_every_step_is_a_task_and_no_two_share_their_container(tasks):
    assert set(tasks) == STEPS
    for step, task in tasks.items():
        assert task.container["command"] == ["python", "-m", "zenml.entrypoints.entrypoint"]
        assert task.container["args"][-2:] == ["--step_name", step]


def test_tasks_wait_for_the_steps_that_they_read(tasks):
    assert before(tasks, "ingest") == set()
    assert before(tasks, "validate") == {"ingest"}
    assert before(tasks, "tile") == {"validate"}
    for step in EXTRACTED:
        assert before(tasks, step) == {"tile"}
    assert before(tasks, "validate_features") == {"tile", *EXTRACTED}
    assert before(tasks, "freeze") == {"split", "validate_features"}
    for step in (*TRAINED, "distill_fusion_student_v2", "canary", "train_clinical"):
        assert before(tasks, step) == {"freeze", "validate_features"}
    assert before(tasks, "evaluate") >= {"probe", "explain", "train_clinical", *TRAINED}
    assert "evaluate" in before(tasks, "register")


@pytest.mark.parametrize("step", sorted(STEPS))
def test_a_step_has_the_pod_that_the_config_asks_for(step, tasks, config, workspace):
    task, on_gpu = tasks[step], bool(ON_GPU.fullmatch(step))
    asked = resources_of(config.cluster, name=_function(step))
    given = task.container["resources"]
    assert task.container["image"] == IMAGE
    assert given.get("accelerator") == (GPU if on_gpu else None)
    for bound in ("Request", "Limit"):
        assert given[f"resourceCpu{bound}"] == asked.cpu
        assert given[f"resourceMemory{bound}"] == asked.memory
    assert task.pod["nodeSelector"]["labels"] == (
        {"accelerator": "nvidia-a100"} if on_gpu else {"pool": "cpu"}
    )
    assert task.pod["tolerations"] == (
        [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
        if on_gpu
        else [{"key": "team", "operator": "Equal", "value": "pathology"}]
    )
    assert task.claims == {
        str(workspace): "shazam-workspace",
        "/slides": "shazam-slides",
        "/weights": "shazam-weights",
    }
    assert task.scratch["/dev/shm"]["medium"] == "Memory"
    assert task.scratch["/dev/shm"]["sizeLimit"] == asked.shared_memory
    assert {"/app", "/tmp", "/home/shazam", "/home/zenml"} < set(task.scratch)
    assert task.pod["securityContext"] == {
        "runAsUser": "10001",
        "runAsGroup": "10001",
        "runAsNonRoot": True,
    }
    assert [one["secretName"] for one in task.pod["imagePullSecret"]] == ["pull"]
    assert task.pod["podMetadata"]["labels"]["app.kubernetes.io/component"] == "step"
    assert int(task.pod["activeDeadlineSeconds"]) == asked.deadline_s
    assert task.retries == asked.retries


def test_each_run_has_an_id_of_its_own_though_kubeflow_fills_in_no_variable(tasks):
    for task in tasks.values():
        assert task.pod["fieldPathAsEnv"] == [
            {
                "name": "KFP_RUN_ID",
                "fieldPath": "metadata.labels['workflows.argoproj.io/workflow']",
            }
        ]
        assert "KFP_RUN_ID" not in task.env


def test_secrets_are_references_and_the_variables_of_the_config_are_there(tasks, config, workspace):
    asked = {one.variable: (one.secret, one.key) for one in config.cluster.secrets}
    assert set(asked) >= {"MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"}
    for task in tasks.values():
        assert task.secrets == asked
        assert not set(task.secrets) & set(task.env)
        assert task.env.items() >= dict(config.cluster.env).items()
        assert task.env["SHAZAM_WORKSPACE"] == str(workspace)


def test_each_image_of_the_pipeline_is_named_by_its_digest(text):
    assert set(re.findall(r"^ *image: (.*)$", text, re.MULTILINE)) == {IMAGE}


def _function(step: str) -> str:
    names = ("extract", "distill", "train_clinical")
    return next(
        (name for name in names if step.startswith(name)),
        "train_baseline" if step.startswith("train_") else step,
    )
