"""A step's pod, said in the words of kfp and kfp-kubernetes.

What they have no word for is left out: read-only mounts, a read-only root, groups of volumes,
priority, service accounts and failure policies. docs/kubernetes.md names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kfp import kubernetes
from kfp.dsl import PipelineTask
from zenml.integrations.kubernetes.pod_settings import KubernetesPodSettings

from shazam.errors import ConfigError

# Argo's own label of the pods of a run. kfp's placeholders are not filled in where the value of a
# variable is one (kubeflow/pipelines, initPodSpecPatch), so all runs would have one id
RUN_LABEL = "metadata.labels['workflows.argoproj.io/workflow']"
_COUNTED = ("cpu", "memory")
_MLFLOW = "MLFLOW_TRACKING_URI"


def in_pod(task: PipelineTask, pod: KubernetesPodSettings) -> None:
    """Give a task what the pod of its step has.

    Raises:
        ConfigError: kfp refuses a quantity.
    """
    _resources(task, pod.resources.get("limits", {}))
    _settings(task, pod)
    _environment(task, pod.env)
    _volumes(task, pod)
    for key, value in pod.node_selectors.items():
        kubernetes.add_node_selector(task, key, value)
    for one in pod.tolerations:
        kubernetes.add_toleration(task, **{name: one.get(name) for name in _TOLERATION})
    for key, value in pod.labels.items():
        kubernetes.add_pod_label(task, key, value)
    if pod.image_pull_secrets:
        kubernetes.set_image_pull_secrets(task, list(pod.image_pull_secrets))
    _user(task, pod.additional_pod_spec_args.get("security_context", {}))


_TOLERATION = ("key", "operator", "value", "effect")


def set_variables(task: PipelineTask, variables: Mapping[str, str]) -> None:
    """Set variables of a task at once: for each single one kfp looks at all callers, 0.1 s long."""
    task.container_spec.env = {**(task.container_spec.env or {}), **variables}


def bounded(task: PipelineTask, *, retries: int, deadline_s: int | None) -> None:
    """Let Kubeflow try a task again in new pods, and end a pod that takes too long.

    Args:
        task: the task.
        retries: pods after the first one.
        deadline_s: seconds that a pod may live from when a node took it.
    """
    if retries:
        task.set_retry(retries, backoff_duration="30s", backoff_factor=2.0)
    if deadline_s is not None:
        kubernetes.set_timeout(task, deadline_s)


def _resources(task: PipelineTask, limits: Mapping[str, str]) -> None:
    try:
        task.set_cpu_request(limits["cpu"]).set_cpu_limit(limits["cpu"])
        task.set_memory_request(limits["memory"]).set_memory_limit(limits["memory"])
    except ValueError as error:
        raise ConfigError(f"cluster.steps: {limits}: Kubeflow takes no such: {error}") from error
    for name, count in limits.items():
        if name not in _COUNTED:
            task.set_accelerator_type(name).set_accelerator_limit(int(count))


def _settings(task: PipelineTask, pod: KubernetesPodSettings) -> None:
    """Take MLflow's address from the ConfigMap of settings: kfp hands over single keys only."""
    if _MLFLOW in {one["name"] for one in pod.env}:
        return
    for one in pod.env_from:
        kubernetes.use_config_map_as_env(task, one["configMapRef"]["name"], {_MLFLOW: _MLFLOW})


def _environment(task: PipelineTask, variables: list[dict[str, Any]]) -> None:
    set_variables(task, {one["name"]: one["value"] for one in variables if "value" in one})
    for one in variables:
        match one:
            case {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}:
                kubernetes.use_secret_as_env(task, secret, {key: name})


def _volumes(task: PipelineTask, pod: KubernetesPodSettings) -> None:
    for path, volume in _mounted(pod):
        match volume:
            case {"persistentVolumeClaim": {"claimName": claim}}:
                kubernetes.mount_pvc(task, claim, path)
            case {"name": name, "emptyDir": scratch}:
                kubernetes.empty_dir_mount(
                    task, name, path, scratch.get("medium"), scratch.get("sizeLimit")
                )


def _mounted(pod: KubernetesPodSettings) -> Iterator[tuple[str, dict[str, Any]]]:
    volumes = {volume["name"]: volume for volume in pod.volumes}
    for mount in pod.volume_mounts:
        yield mount["mountPath"], volumes[mount["name"]]


def _user(task: PipelineTask, context: Mapping[str, Any]) -> None:
    if context:
        kubernetes.set_security_context(
            task,
            run_as_user=context["runAsUser"],
            run_as_group=context["runAsGroup"],
            run_as_non_root=context["runAsNonRoot"],
        )
