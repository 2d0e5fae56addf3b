"""The pods of a run: restricted, with a read-only root, and what the config gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from zenml.integrations.kubernetes.pod_settings import KubernetesPodSettings

from shazam.config.cluster import ClusterConfig, StepResources, Toleration
from shazam.workspace import WORKSPACE_VARIABLE

# written by every pod, each its own: ZenML makes and enters /app
SCRATCH = {
    "app": "/app",
    "tmp": "/tmp",  # noqa: S108 - in the pod
    "home": "/home/shazam",
    "zenml": "/home/zenml",
}
_SCRATCH_LIMIT = "4Gi"
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
    claims = [(_WORKSPACE, cluster.workspace_claim, str(workspace), False)]
    claims += [
        (f"claim-{number}", claim.name, str(claim.path), claim.read_only)
        for number, claim in enumerate(cluster.claims)
    ]
    return _pod(
        cluster,
        resources,
        component="schedule" if submits else "step",
        env={WORKSPACE_VARIABLE: str(workspace), "OMP_NUM_THREADS": _threads(resources.cpu)},
        claims=claims,
        token=submits,
    )


def orchestrator_pod(cluster: ClusterConfig) -> KubernetesPodSettings:
    """Return the pod that starts the others: it holds a token of Kubernetes, and no claim."""
    resources = cluster.steps.orchestrator
    return _pod(cluster, resources, component="orchestrator", env={}, claims=(), token=True)


def _pod(
    cluster: ClusterConfig,
    resources: StepResources,
    *,
    component: str,
    env: Mapping[str, str],
    claims: Sequence[tuple[str, str, str, bool]],
    token: bool,
) -> KubernetesPodSettings:
    on_gpu = resources.gpus > 0
    scratch = {**SCRATCH, "shm": "/dev/shm"}  # noqa: S108 - in the pod
    return KubernetesPodSettings(
        node_selectors=dict(cluster.gpu_node_selector if on_gpu else cluster.node_selector),
        tolerations=_tolerations(cluster.gpu_tolerations if on_gpu else cluster.tolerations),
        resources=_resources(resources, gpu=cluster.gpu_resource),
        labels={**_LABELS, "app.kubernetes.io/component": component},
        image_pull_secrets=list(cluster.image_pull_secrets),
        env=_environment({**_QUIET, **_places(), **env, **cluster.env}, cluster),
        volumes=[
            *({"name": n, "persistentVolumeClaim": {"claimName": c}} for n, c, _, _ in claims),
            *({"name": name, "emptyDir": _scratch(name, resources)} for name in scratch),
        ],
        volume_mounts=[
            *({"name": n, "mountPath": path, "readOnly": ro} for n, _, path, ro in claims),
            *({"name": name, "mountPath": path} for name, path in scratch.items()),
        ],
        container_security_context={
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        additional_pod_spec_args=_spec(cluster, token=token),
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


def _resources(asked: StepResources, *, gpu: str) -> dict[str, dict[str, str]]:
    found = {"cpu": asked.cpu, "memory": asked.memory}
    if asked.gpus:
        found[gpu] = str(asked.gpus)
    return {"requests": found, "limits": dict(found)}


def _places() -> dict[str, str]:
    return {"HOME": SCRATCH["home"], "ZENML_CONFIG_PATH": SCRATCH["zenml"]}


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


def _scratch(name: str, resources: StepResources) -> dict[str, str]:
    if name == "shm":
        return {"medium": "Memory", "sizeLimit": resources.shared_memory}
    return {"sizeLimit": _SCRATCH_LIMIT}


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
