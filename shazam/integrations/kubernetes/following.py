"""A run that is under way on a cluster is followed by who submits it again, and not doubled.

Where the pod that submits is lost, as on a drained node, or a terminal is closed, the run goes on
by itself.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from kubernetes.client import ApiException, BatchV1Api, V1Job
from pydantic import TypeAdapter
from zenml.client import Client
from zenml.integrations.kubernetes import kube_utils
from zenml.integrations.kubernetes.constants import ORCHESTRATOR_ANNOTATION_KEY
from zenml.integrations.kubernetes.orchestrators import KubernetesOrchestrator
from zenml.models import PipelineRunResponse
from zenml.pipelines.pipeline_definition import Pipeline

from shazam.digest import digest_of
from shazam.errors import ShazamError
from shazam.integrations.kubernetes.runs import IN_VAIN
from shazam.integrations.zenml import failure_of

_N_HEX = 16
_N_NEWEST = 5
_EACH_S = 3  # as ZenML waits for a run that it submitted


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A run that has not ended, and the job of the cluster that starts its steps."""

    run: PipelineRunResponse
    job: str


def submission_tag(pipeline: Pipeline, *arguments: object, workspace: Path) -> str:
    """Return a tag that runs share which would do the same, in the same workspace.

    Args:
        pipeline: the pipeline.
        arguments: what it will be called with; the config among them names the image.
        workspace: where the runs lie.
    """
    same = [pipeline.name, pipeline.configuration.enable_cache, str(workspace), *arguments]
    plain = TypeAdapter(list[Any]).dump_python(same, mode="json")
    return f"submission-{digest_of(plain)[:_N_HEX]}"


def under_way(tag: str) -> UnderWay | None:
    """Return the newest run with a tag whose job has not ended, None where there is none.

    ZenML's state does not decide: a run has failed there as soon as a step has, while its job goes
    on with the other branches; and it goes on there for ever when its job was killed.

    Raises:
        ShazamError: the cluster cannot be asked.
    """
    for run in Client().list_pipeline_runs(tags=[tag], size=_N_NEWEST, sort_by="desc:created"):
        job = _job_of(run)
        if job is not None:
            return UnderWay(run, job)
    return None


def follow(found: UnderWay) -> PipelineRunResponse:
    """Wait until a run ends, as who submitted it would.

    Raises:
        ShazamError: its job failed, or was deleted; carries the message and exit code of the step
            that failed.
    """
    orchestrator = _orchestrator()
    print(f"{found.run.name}: the same is under way, and is followed", file=sys.stderr, flush=True)
    try:
        kube_utils.wait_for_job_to_finish(
            get_client=orchestrator.get_kube_client,
            namespace=orchestrator.config.kubernetes_namespace,
            job_name=found.job,
            backoff_interval=_EACH_S,
            fail_on_container_waiting_reasons=list(IN_VAIN),
        )
    except (RuntimeError, ApiException) as error:
        now = Client().get_pipeline_run(found.run.id)
        raise failure_of(now) or ShazamError(f"{found.run.name}: {error}") from error
    return found.run


def _job_of(run: PipelineRunResponse) -> str | None:
    """Return the name of the job that starts the steps of a run, None where none is under way."""
    orchestrator = _orchestrator()
    try:
        jobs = kube_utils.list_jobs(
            batch_api=BatchV1Api(orchestrator.get_kube_client()),
            namespace=orchestrator.config.kubernetes_namespace,
            label_selector=f"run_id={kube_utils.sanitize_label_value(str(run.id))}",
        )
    except ApiException as error:
        raise ShazamError(
            f"{run.name}: is it under way? The cluster answers {error.status} {error.reason}; see "
            "that the kubeconfig's token has not expired, and `shazam stack check`"
        ) from error
    for job in jobs.items:
        if ORCHESTRATOR_ANNOTATION_KEY in (job.metadata.annotations or {}) and not _ended(job):
            return str(job.metadata.name)
    return None


def _ended(job: V1Job) -> bool:
    if job.metadata.deletion_timestamp is not None:
        return True
    conditions = (job.status.conditions or []) if job.status else []
    return any(one.type in {"Complete", "Failed"} and one.status == "True" for one in conditions)


def _orchestrator() -> KubernetesOrchestrator:
    return cast(KubernetesOrchestrator, Client().active_stack.orchestrator)
