"""A pod of a step in the words of kfp."""

from __future__ import annotations

from pathlib import Path

import pytest

from shazam.config.cluster import ClusterConfig, StepResources
from shazam.errors import ConfigError
from tests.integrations.kubeflow.tasks import Task, read_tasks

kfp = pytest.importorskip("kfp", reason="kfp is not installed; pip install 'shazam[kubeflow]'")
IMAGE = "registry.example/shazam@sha256:" + "a" * 64
CLUSTER = ClusterConfig.model_validate(
    {
        "image": IMAGE,
        "gpu_resource": "amd.com/gpu",
        "settings": "shazam-settings",
        "secrets": [
            {"variable": "USER_NAME", "secret": "login", "key": "name"},
            {"variable": "OTHER_NAME", "secret": "login", "key": "name"},
        ],
    }
)


def compiled(resources: StepResources, folder: Path, *, cluster: ClusterConfig = CLUSTER) -> Task:
    from shazam.integrations.kubeflow.tasks import bounded, in_pod
    from shazam.integrations.kubernetes.pods import step_pod

    @kfp.dsl.container_component
    def step():
        return kfp.dsl.ContainerSpec(image=IMAGE, command=["true"])

    @kfp.dsl.pipeline
    def pipeline():
        task = step()
        in_pod(task, step_pod(cluster, resources, workspace=folder))
        bounded(task, retries=resources.retries, deadline_s=resources.deadline_s)

    kfp.compiler.Compiler().compile(pipeline, str(folder / "pipeline.yaml"))
    return read_tasks((folder / "pipeline.yaml").read_text())["step"]


def test_gpus_are_asked_for_by_the_name_that_the_config_gives_them(tmp_path):
    resources = StepResources(cpu="500m", memory="2Gi", gpus=2, retries=0, deadline_s=60)
    task = compiled(resources, tmp_path)
    given = task.container["resources"]
    assert given["accelerator"]["resourceType"] == "amd.com/gpu"
    assert given["accelerator"]["resourceCount"] == "2"
    assert given["resourceCpuLimit"] == given["resourceCpuRequest"] == "500m"
    assert task.retries == 0
    assert "tolerations" not in task.pod


def test_two_variables_may_come_from_one_key(tmp_path):
    task = compiled(StepResources(cpu="1", memory="1Gi", deadline_s=60), tmp_path)
    assert task.secrets == {"USER_NAME": ("login", "name"), "OTHER_NAME": ("login", "name")}


def test_the_address_of_mlflow_is_that_of_the_settings_where_the_config_names_none(tmp_path):
    small, name = StepResources(cpu="1", memory="1Gi", deadline_s=60), "MLFLOW_TRACKING_URI"
    (taken,) = compiled(small, tmp_path).pod["configMapAsEnv"]
    assert taken["configMapName"] == "shazam-settings"
    assert taken["keyToEnv"] == [{"configMapKey": name, "envVar": name}]
    named = CLUSTER.model_copy(update={"env": {name: "http://mlflow:5000"}})
    task = compiled(small, tmp_path, cluster=named)
    assert "configMapAsEnv" not in task.pod
    assert task.env[name] == "http://mlflow:5000"


def test_a_quantity_that_kubeflow_does_not_take_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"cluster\.steps: .*1\.5Ti"):
        compiled(StepResources(cpu="1", memory="1.5Ti", deadline_s=60), tmp_path)
