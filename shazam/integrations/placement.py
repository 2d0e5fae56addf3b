"""Where a pipeline runs: here, or on the cluster that the config describes."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.models import PipelineRunResponse, StackResponse
from zenml.pipelines.pipeline_definition import Pipeline

from shazam.config.cluster import ClusterConfig, is_placeholder
from shazam.errors import ConfigError, ShazamError
from shazam.integrations.zenml import failure_of
from shazam.workspace import Workspace

_KUBERNETES, _KUBEFLOW = "kubernetes", "shazam_kubeflow"
_ON_CLUSTER = (_KUBERNETES, _KUBEFLOW)


def placed_pipeline(
    pipeline: Pipeline, cluster: ClusterConfig | None, *arguments: object
) -> Pipeline:
    """Return a pipeline with what the orchestrator of the active stack needs to know.

    Args:
        pipeline: the pipeline.
        cluster: the section of the config.
        arguments: what the pipeline will be called with.

    Raises:
        ConfigError: the config describes a cluster and the stack runs here, or the other way
            round; or it names no image yet; or the stack runs on Kubeflow and kfp is not installed.
    """
    client = Client()
    if cluster is None:
        _refuse_cluster(client)
        return pipeline
    _refuse_placeholder(cluster)
    try:
        client.activate_stack(cluster.stack)
    except KeyError as error:
        raise ConfigError(
            f"cluster.stack: ZenML knows no stack '{cluster.stack}'; make it with "
            "`shazam stack register --overlay NAME`, or leave the section 'cluster' out to run here"
        ) from error
    flavor = orchestrator_of(client.active_stack_model)
    if flavor not in _ON_CLUSTER:
        raise ConfigError(
            f"cluster.stack: '{cluster.stack}' runs steps with the orchestrator '{flavor}', which "
            "is none of a cluster; `shazam stack register --overlay NAME` makes one"
        )
    root = Workspace.from_environment().root.resolve()
    if flavor == _KUBEFLOW:
        return _on_kubeflow(pipeline, cluster, *arguments, workspace=root)
    from shazam.integrations.kubernetes.runs import on_cluster

    return on_cluster(pipeline, cluster, *arguments, workspace=root)


def run_placed(
    pipeline: Pipeline, cluster: ClusterConfig | None, *arguments: object
) -> PipelineRunResponse | None:
    """Run a pipeline to its end; on Kubernetes, follow one that does the same and is under way.

    Args, and errors, as of :func:`placed_pipeline`.

    Raises:
        ShazamError: a step of the run that was followed failed.
        RuntimeError: a step failed, or the run could not be submitted.
    """
    placed = placed_pipeline(pipeline, cluster, *arguments)
    if cluster is None or orchestrator_of(Client().active_stack_model) != _KUBERNETES:
        return placed(*arguments)
    from shazam.integrations.kubernetes.following import follow, submission_tag, under_way

    root = Workspace.from_environment().root.resolve()
    tag = submission_tag(pipeline, *arguments, workspace=root)
    found = under_way(tag)
    if found is not None:
        return follow(found)
    return placed.with_options(tags=[tag])(*arguments)


def _refuse_placeholder(cluster: ClusterConfig) -> None:
    for key, image in (("image", cluster.image), ("slim_image", cluster.slim_image)):
        if image is not None and is_placeholder(image):
            raise ConfigError(
                f"cluster.{key}: {image} is the placeholder of the shipped config, and no image; "
                f"run docker/build, and set cluster.{key} to the name and digest that it prints"
            )


def _on_kubeflow(
    pipeline: Pipeline, cluster: ClusterConfig, *arguments: object, workspace: Path
) -> Pipeline:
    if find_spec("kfp") is None:
        raise ConfigError(
            f"cluster.stack: '{cluster.stack}' runs steps on Kubeflow, and kfp is not installed; "
            "install 'shazam[kubeflow]'"
        )
    from shazam.integrations.kubeflow.runs import on_kubeflow

    return on_kubeflow(pipeline, cluster, *arguments, workspace=workspace)


def refuse_kubeflow(stack: StackResponse, *, command: str) -> None:
    """Refuse a stack on Kubeflow for a command that knows Kubernetes' own jobs only.

    Args:
        stack: the stack.
        command: what was asked for.

    Raises:
        ConfigError: Kubeflow starts the steps of the stack.
    """
    if orchestrator_of(stack) == _KUBEFLOW:
        raise ConfigError(
            f"cluster.stack: '{stack.name}' runs steps on Kubeflow, of which `{command}` knows "
            "nothing; use Kubeflow's own pages, or set cluster.stack to a stack whose "
            "orchestrator is 'kubernetes'"
        )


def _refuse_cluster(client: Client) -> None:
    if orchestrator_of(client.active_stack_model) in _ON_CLUSTER:
        raise ConfigError(
            f"the active ZenML stack '{client.active_stack_model.name}' runs steps on a cluster, "
            "and the config has no section 'cluster' that says how; start from configs/k8s.yaml, "
            "or activate another stack"
        )


def orchestrator_of(stack: StackResponse) -> str:
    """Return the flavor of what starts the steps of a stack."""
    return stack.components[StackComponentType.ORCHESTRATOR][0].flavor_name


def finished(run: PipelineRunResponse) -> PipelineRunResponse:
    """Return a run as it is now, after all of its steps came to their end.

    Raises:
        ShazamError: a step failed; carries that step's message and exit code.
    """
    now = Client().get_pipeline_run(run.id)
    if not now.status.is_successful:
        raise failure_of(now) or ShazamError(
            f"the run {now.name} is {now.status.value}; look at its pods, or at the ZenML dashboard"
        )
    return now
