"""A run that is under way on a cluster is followed by who submits it again, and not doubled.

Where the pod that submits is lost, as on a drained node, or a terminal is closed, the run goes on
by itself.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import TypeAdapter
from zenml.client import Client
from zenml.integrations.kubernetes import kube_utils
from zenml.integrations.kubernetes.constants import ORCHESTRATOR_ANNOTATION_KEY
from zenml.integrations.kubernetes.orchestrators import KubernetesOrchestrator
from zenml.models import PipelineRunResponse
from zenml.pipelines.pipeline_definition import Pipeline

from shazam.digest import digest_of
from shazam.errors import ShazamError
from shazam.integrations.zenml import failure_of

if TYPE_CHECKING:
    from kubernetes.client import V1Job

_N_HEX = 16


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
    """Return the newest run with a tag if it has not ended, and its job has not either."""
    for run in Client().list_pipeline_runs(tags=[tag], size=1, sort_by="desc:created"):
        job = None if run.status.is_finished else _job_of(run)
        if job is not None:
            return UnderWay(run, job)
    return None


def follow(found: UnderWay) -> PipelineRunResponse:
    """Wait until a run ends, as who submitted it would.

    Raises:
        ShazamError: its job failed; carries the message and exit code of the step that failed.
    """
    orchestrator = _orchestrator()
    print(f"{found.run.name}: the same is under way, and is followed", file=sys.stderr, flush=True)
    try:
        kube_utils.wait_for_job_to_finish(
            get_client=orchestrator.get_kube_client,
            namespace=orchestrator.config.kubernetes_namespace,
            job_name=found.job,
        )
    except RuntimeError as error:
        now = Client().get_pipeline_run(found.run.id)
        raise failure_of(now) or ShazamError(f"{found.run.name}: {error}") from error
    return found.run


def _job_of(run: PipelineRunResponse) -> str | None:
    """Return the name of the job that starts the steps of a run, None where none is under way."""
    from kubernetes.client import BatchV1Api

    orchestrator = _orchestrator()
    jobs = kube_utils.list_jobs(
        batch_api=BatchV1Api(orchestrator.get_kube_client()),
        namespace=orchestrator.config.kubernetes_namespace,
        label_selector=f"run_id={kube_utils.sanitize_label_value(str(run.id))}",
    )
    for job in jobs.items:
        if ORCHESTRATOR_ANNOTATION_KEY in (job.metadata.annotations or {}) and not _ended(job):
            return str(job.metadata.name)
    return None


def _ended(job: V1Job) -> bool:
    conditions = (job.status.conditions or []) if job.status else []
    return any(one.type in {"Complete", "Failed"} and one.status == "True" for one in conditions)


def _orchestrator() -> KubernetesOrchestrator:
    return cast(KubernetesOrchestrator, Client().active_stack.orchestrator)
