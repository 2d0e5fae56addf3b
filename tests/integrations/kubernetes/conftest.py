"""A cluster that has all that a run needs; tests take something of it away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shazam.config.cluster import ClusterConfig
from shazam.integrations.environment import prepare_environment
from shazam.integrations.kubernetes.check_api import Cluster
from shazam.workspace import Workspace
from tests.integrations.kubernetes.fake_api import CORE, Fake, cluster_of

DIGEST = "sha256:" + "1" * 64


def claim(mode: str, *, phase: str = "Bound") -> dict[str, object]:
    return {"spec": {"accessModes": [mode]}, "status": {"phase": phase, "accessModes": [mode]}}


def node(name: str, *, gpus: str = "4", **spec: object) -> dict[str, object]:
    allocatable = {"cpu": "64", "memory": "512Gi"} | ({"nvidia.com/gpu": gpus} if gpus else {})
    return {
        "metadata": {"name": name, "labels": {"accelerator": "a100"}},
        "spec": spec,
        "status": {
            "allocatable": allocatable,
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def quota(hard: dict[str, str], used: dict[str, str] | None = None) -> dict[str, object]:
    status = {"hard": hard, "used": used or {}}
    return {"metadata": {"name": "shazam"}, "spec": {"hard": hard}, "status": status}


@pytest.fixture(scope="module")
def embedded_stores(tmp_path_factory) -> Iterator[None]:
    """The environment of a workspace with stores of its own; import ZenML after it."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("ZENML_CONFIG_PATH", "ZENML_STORE_URL", "MLFLOW_TRACKING_URI"):
            patch.delenv(name, raising=False)
        prepare_environment(Workspace(tmp_path_factory.mktemp("ws")))
        yield


@pytest.fixture
def config() -> ClusterConfig:
    return ClusterConfig.model_validate(
        {
            "image": f"registry.invalid/shazam@{DIGEST}",
            "claims": [{"name": "shazam-slides", "path": "/slides"}],
            "secrets": [{"variable": "PASS", "secret": "shazam-mlflow", "key": "password"}],
            "gpu_tolerations": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}],
            "priority_class": "shazam-training",
            "settings": "shazam-settings",
        }
    )


@pytest.fixture
def fake() -> Fake:
    return Fake(
        objects={
            "/version": {"gitVersion": "v1.33.0"},
            CORE: {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}},
            f"{CORE}/serviceaccounts/shazam-orchestrator": {"metadata": {}},
            f"{CORE}/serviceaccounts/shazam-step": {"metadata": {}},
            f"{CORE}/persistentvolumeclaims/shazam-workspace": claim("ReadWriteMany"),
            f"{CORE}/persistentvolumeclaims/shazam-slides": claim("ReadOnlyMany"),
            f"{CORE}/configmaps/shazam-settings": {
                "data": {"MLFLOW_TRACKING_URI": "http://mlflow.invalid:5000"}
            },
            f"{CORE}/secrets/shazam-mlflow": {"metadata": {}, "data": {"password": "aHVudGVyMg=="}},
            f"{CORE}/resourcequotas": {
                "items": [quota({"pods": "60", "requests.nvidia.com/gpu": "8"})]
            },
            f"{CORE}/limitranges": {"items": []},
            f"{CORE}/pods": {"items": []},
            "/api/v1/nodes": {"items": [node("a"), node("b")]},
            "/apis/scheduling.k8s.io/v1/priorityclasses/shazam-training": {"value": 1000},
        },
        allowed={
            *(f"{verb} jobs" for verb in ("create", "get", "list", "patch", "delete")),
            *("list pods", "get pods", "get pods/log", "create secrets", "delete secrets"),
        },
    )


@pytest.fixture
def cluster(fake: Fake) -> Iterator[Cluster]:
    with cluster_of(fake) as found:
        yield found
