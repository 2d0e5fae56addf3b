"""A pipeline as it is run on a cluster: image, pods and retries of each step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from zenml.config import DockerSettings
from zenml.config.retry_config import StepRetryConfig
from zenml.integrations.kubernetes.flavors import KubernetesOrchestratorSettings
from zenml.pipelines.pipeline_definition import Pipeline

from shazam.config.cluster import ClusterConfig, StepResources
from shazam.errors import ExitCode
from shazam.integrations.alerts import URL_VARIABLE, tell_run_id, tell_wrong_configuration
from shazam.integrations.kubernetes.pods import orchestrator_pod, step_pod

AlertHooks = tuple[
    Callable[[BaseException], None] | None, Callable[[BaseException | None], None] | None
]
KUBERNETES = "orchestrator.kubernetes"
_MAIN = "main"  # ZenML's name of the container
# steps that decode or fit with networks; all others do without a GPU
_GROUPS = {
    "extract": "extract",
    "train_baseline": "train",
    "train_joint": "train",
    "distill": "distill",
}
# steps that import no torch, for an image without it
WITHOUT_TORCH = (
    *("ingest", "validate", "tile", "validate_features", "split", "freeze", "evaluate"),
    "register",
)
# steps that start runs of their own; a second try of one would find nothing new
_SUBMITTING = ("retrain",)
# why ZenML gives a job up at the first sight of its pod. Pulls of a large image and reads of a
# Secret fail now and then and mend themselves, so a step waits until its deadline; an image or a
# Secret that is missing is told by the first pod of a run, before there is anything to lose
_NO_NAME = ("InvalidImageName",)
IN_VAIN = (*_NO_NAME, "ErrImagePull", "ImagePullBackOff", "CreateContainerConfigError")
# a pod that was preempted or drained is no failure, a wrong configuration is one for good; what was
# drained ends with an exit code too, so the order decides
FAILURE_POLICY: Mapping[str, object] = {
    "rules": [
        {
            "action": "Ignore",
            "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
        },
        {
            "action": "FailJob",
            "onExitCodes": {
                "containerName": _MAIN,
                "operator": "In",
                "values": [int(ExitCode.CONFIGURATION)],
            },
        },
        {
            "action": "Count",
            "onExitCodes": {"containerName": _MAIN, "operator": "NotIn", "values": [0]},
        },
    ]
}


def on_cluster(
    pipeline: Pipeline, cluster: ClusterConfig, *arguments: object, workspace: Path
) -> Pipeline:
    """Return a pipeline whose steps run as the config says; other orchestrators ignore it.

    Args:
        pipeline: the pipeline.
        cluster: the section of the config.
        arguments: what the pipeline will be called with; they decide which steps it has.
        workspace: absolute path of the workspace, here and in every pod.
    """
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
            KUBERNETES: _settings(
                cluster, cluster.steps.orchestrator, workspace=workspace, given_up=IN_VAIN
            ),
        },
        step_configurations=steps,
        on_failure=on_failure,
        on_end=on_end,
    )


def alert_hooks(cluster: ClusterConfig) -> AlertHooks:
    """Return what tells of a failed step, and of a try that ends, where pods have an address."""
    has_address = URL_VARIABLE in {*cluster.env, *(one.variable for one in cluster.secrets)}
    return (tell_run_id, tell_wrong_configuration) if has_address else (None, None)


def resources_of(cluster: ClusterConfig, *, name: str) -> StepResources:
    """Return what the pod of a step gets, by the name of the step's function."""
    found: StepResources = getattr(cluster.steps, _GROUPS.get(name, "other"))
    return found


def retries_of(cluster: ClusterConfig, *, name: str) -> int:
    """Return how many pods a step gets after its first, by the name of the step's function."""
    return 0 if name in _SUBMITTING else resources_of(cluster, name=name).retries


def retry_config(retries: int) -> StepRetryConfig | None:
    """Return what ZenML is told of a step's retries; it knows no retry of zero times."""
    return StepRetryConfig(max_retries=retries) if retries else None


def image_settings(image: str) -> DockerSettings:
    """Return settings by which ZenML takes an image as it is: it builds and copies nothing."""
    return DockerSettings(
        parent_image=image,
        skip_build=True,
        allow_including_files_in_images=False,
        allow_download_from_code_repository=False,
        allow_download_from_artifact_store=False,
    )


def _step(cluster: ClusterConfig, *, name: str, workspace: Path) -> dict[str, object]:
    resources, submits = resources_of(cluster, name=name), name in _SUBMITTING
    settings = _settings(cluster, resources, workspace=workspace, submits=submits)
    slim = cluster.slim_image if name in WITHOUT_TORCH else None
    docker = {} if slim is None else {"docker": image_settings(slim)}
    retry = retry_config(retries_of(cluster, name=name))
    return {"settings": {KUBERNETES: settings, **docker}, "retry": retry}


def _settings(
    cluster: ClusterConfig,
    resources: StepResources,
    *,
    workspace: Path,
    submits: bool = False,
    given_up: Sequence[str] = _NO_NAME,
) -> KubernetesOrchestratorSettings:
    account = cluster.submit_account if submits else cluster.step_account
    return KubernetesOrchestratorSettings(
        service_account_name=cluster.orchestrator_account,
        step_pod_service_account_name=account,
        pod_settings=step_pod(cluster, resources, workspace=workspace, submits=submits),
        orchestrator_pod_settings=orchestrator_pod(cluster, workspace=workspace),
        max_parallelism=cluster.max_parallel_steps,
        active_deadline_seconds=resources.deadline_s,
        ttl_seconds_after_finished=cluster.keep_finished_s,
        orchestrator_job_backoff_limit=cluster.steps.orchestrator.retries,
        pod_failure_policy=dict(FAILURE_POLICY),
        fail_on_container_waiting_reasons=list(given_up),
        pod_stop_grace_period=cluster.grace_period_s,
        concurrency_policy="Forbid",
        successful_jobs_history_limit=3,
        failed_jobs_history_limit=3,
        starting_deadline_seconds=3600,
    )
