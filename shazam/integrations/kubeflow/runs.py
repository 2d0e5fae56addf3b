"""A pipeline as it is run by Kubeflow: image, pods and retries of each step."""

from __future__ import annotations

from pathlib import Path

from zenml.pipelines.pipeline_definition import Pipeline

from shazam.config.cluster import ClusterConfig
from shazam.errors import ConfigError
from shazam.integrations.kubeflow.flavor import KUBEFLOW, TaskSettings
from shazam.integrations.kubernetes.pods import step_pod
from shazam.integrations.kubernetes.runs import (
    alert_hooks,
    image_settings,
    resources_of,
    retries_of,
    retry_config,
)

_KEY = f"orchestrator.{KUBEFLOW}"


def on_kubeflow(
    pipeline: Pipeline, cluster: ClusterConfig, *arguments: object, workspace: Path
) -> Pipeline:
    """Return a pipeline whose steps run as the config says; other orchestrators ignore it.

    Args:
        pipeline: the pipeline.
        cluster: the section of the config.
        arguments: what the pipeline will be called with; they decide which steps it has.
        workspace: absolute path of the workspace, here and in every pod.

    Raises:
        ConfigError: a claim is mounted twice.
    """
    _mounts_once(cluster)
    planned = pipeline.copy()
    planned.prepare(*arguments)
    steps = {
        invocation: _step(cluster, name=found.step.name, workspace=workspace)
        for invocation, found in planned.invocations.items()
    }
    on_failure, on_end = alert_hooks(cluster)
    return pipeline.with_options(
        settings={
            "docker": image_settings(cluster.image),
            _KEY: TaskSettings(timeout=cluster.steps.orchestrator.deadline_s),
        },
        step_configurations=steps,
        on_failure=on_failure,
        on_end=on_end,
    )


def _mounts_once(cluster: ClusterConfig) -> None:
    names = [cluster.workspace_claim, *(claim.name for claim in cluster.claims)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(
            f"cluster.claims: {', '.join(twice)} is mounted twice in a pod, and Kubeflow names "
            "volumes after their claims; give each path a claim of its own"
        )


def _step(cluster: ClusterConfig, *, name: str, workspace: Path) -> dict[str, object]:
    resources, retries = resources_of(cluster, name=name), retries_of(cluster, name=name)
    settings = TaskSettings(
        pod=step_pod(cluster, resources, workspace=workspace),
        retries=retries,
        deadline_s=resources.deadline_s,
        by_secret=tuple(one.variable for one in cluster.secrets),
    )
    return {"settings": {_KEY: settings}, "retry": retry_config(retries)}
