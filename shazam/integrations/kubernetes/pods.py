"""The pods of a run: restricted, with a read-only root, and what the config gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from zenml.integrations.kubernetes.pod_settings import KubernetesPodSettings

from shazam.config.cluster import ClusterConfig, StepResources, Toleration
from shazam.integrations.kubernetes.mounts import SCRATCH, Mount, claimed, empty, scratch
from shazam.workspace import WORKSPACE_VARIABLE

_WORKSPACE = "workspace"
_LABELS = {"app.kubernetes.io/name": "shazam", "app.kubernetes.io/part-of": "shazam"}
_QUIET = {
    "DVC_NO_ANALYTICS": "true",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "TQDM_DISABLE": "1",
    "ZENML_ANALYTICS_OPT_IN": "false",
    "ZENML_DISABLE_STEP_LOGS_STORAGE": "true",
    "ZENML_LOGGING_COLORS_DISABLED": "true",
}


def step_pod(
    cluster: ClusterConfig, resources: StepResources, *, workspace: Path, submits: bool = False
) -> KubernetesPodSettings:
    """Return the pod of a step: the workspace and the claims mounted.

    Args:
        cluster: what all pods share.
        resources: what this one gets; with a GPU it goes where GPUs are.
        workspace: absolute path of the workspace, here and in the pod.
        submits: whether it starts runs itself; no other step holds a token of Kubernetes.
    """
    mounts = [claimed(_WORKSPACE, cluster.workspace_claim, path=str(workspace), read_only=False)]
    mounts += [
        claimed(f"claim-{number}", one.name, path=str(one.path), read_only=one.read_only)
        for number, one in enumerate(cluster.claims)
    ]
    return _pod(
        cluster,
        resources,
        component="schedule" if submits else "step",
        env={
            WORKSPACE_VARIABLE: str(workspace),
            "OMP_NUM_THREADS": _threads(resources.cpu),
            **(_images(cluster) if submits else {}),
        },
        mounts=mounts,
        token=submits,
    )


def orchestrator_pod(cluster: ClusterConfig, *, workspace: Path) -> KubernetesPodSettings:
    """Return the pod that starts the others: it holds a token of Kubernetes, and no claim.

    ZenML makes the folder of the artifact store before it looks for a step in its cache, and gives
    up where it cannot; so an empty folder stands for the workspace.

    Args:
        cluster: what all pods share.
        workspace: absolute path of the workspace in the pods of steps.
    """
    return _pod(
        cluster,
        cluster.steps.orchestrator,
        component="orchestrator",
        env={},
        mounts=[empty(_WORKSPACE, {"sizeLimit": "16Mi"}, path=str(workspace))],
        token=True,
    )


def _pod(
    cluster: ClusterConfig,
    resources: StepResources,
    *,
    component: str,
    env: Mapping[str, str],
    mounts: Sequence[Mount],
    token: bool,
) -> KubernetesPodSettings:
    on_gpu = resources.gpus > 0
    mounted = [*mounts, *scratch(resources.shared_memory)]
    return KubernetesPodSettings(
        node_selectors=dict(cluster.gpu_node_selector if on_gpu else cluster.node_selector),
        tolerations=_tolerations(cluster.gpu_tolerations if on_gpu else cluster.tolerations),
        resources=_resources(resources, gpu=cluster.gpu_resource),
        labels={**_LABELS, "app.kubernetes.io/component": component},
        image_pull_secrets=list(cluster.image_pull_secrets),
        env=_environment({**_QUIET, **_places(), **env, **cluster.env}, cluster),
        env_from=_settings(cluster),
        volumes=[one.volume for one in mounted],
        volume_mounts=[one.mount for one in mounted],
        container_security_context={
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": cluster.gpu_read_only_root or not on_gpu,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        additional_pod_spec_args={
            **_spec(cluster, token=token),
            **(_runtime(cluster) if on_gpu else {}),
        },
    )


def _spec(cluster: ClusterConfig, *, token: bool) -> dict[str, object]:
    spec: dict[str, object] = {
        "automount_service_account_token": token,
        "enable_service_links": False,
        "share_process_namespace": True,  # else Python is the first process and has no reaper
        "security_context": {
            "fsGroup": cluster.user_id,
            "fsGroupChangePolicy": "OnRootMismatch",
            "runAsGroup": cluster.user_id,
            "runAsNonRoot": True,
            "runAsUser": cluster.user_id,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    if cluster.priority_class is not None:
        spec["priority_class_name"] = cluster.priority_class
    return spec


def _runtime(cluster: ClusterConfig) -> dict[str, str]:
    found = cluster.gpu_runtime_class
    return {} if found is None else {"runtime_class_name": found}


def _resources(asked: StepResources, *, gpu: str) -> dict[str, dict[str, str]]:
    found = {"cpu": asked.cpu, "memory": asked.memory}
    if asked.gpus:
        found[gpu] = str(asked.gpus)
    return {"requests": found, "limits": dict(found)}


def _places() -> dict[str, str]:
    return {"HOME": SCRATCH["home"], "ZENML_CONFIG_PATH": SCRATCH["zenml"]}


def _images(cluster: ClusterConfig) -> dict[str, str]:
    """Return what lets a pod that submits runs give their steps the images that it was given."""
    found = {"SHAZAM__CLUSTER__IMAGE": cluster.image}
    if cluster.slim_image is not None:
        found["SHAZAM__CLUSTER__SLIM_IMAGE"] = cluster.slim_image
    return found


def _settings(cluster: ClusterConfig) -> list[dict[str, object]]:
    return [] if cluster.settings is None else [{"configMapRef": {"name": cluster.settings}}]


def _environment(plain: Mapping[str, str], cluster: ClusterConfig) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [{"name": n, "value": v} for n, v in plain.items()]
    found += [
        {
            "name": one.variable,
            "valueFrom": {"secretKeyRef": {"name": one.secret, "key": one.key}},
        }
        for one in cluster.secrets
    ]
    return found


def _tolerations(asked: Sequence[Toleration]) -> list[dict[str, object]]:
    return [
        {
            "key": one.key,
            "operator": "Exists" if one.value is None else "Equal",
            **({} if one.value is None else {"value": one.value}),
            **({} if one.effect is None else {"effect": one.effect.value}),
        }
        for one in asked
    ]


def _threads(cpu: str) -> str:
    cores = float(cpu.removesuffix("m")) / 1000 if cpu.endswith("m") else float(cpu)
    return str(max(1, int(cores)))
