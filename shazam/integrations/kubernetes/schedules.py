"""Schedules of retraining: in ZenML, and as a CronJob of the cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from zenml.client import Client
from zenml.config.schedule import Schedule
from zenml.pipelines.pipeline_definition import Pipeline

from shazam.config.cluster import ClusterConfig
from shazam.errors import ConfigError, ShazamError
from shazam.integrations.kubernetes.cron import check_cron
from shazam.integrations.placement import placed_pipeline, refuse_kubeflow
from shazam.stages import SOURCE_ROOT
from shazam.workspace import Workspace

_PAGE = 200


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A schedule: its cron expression in UTC, and when it comes next; None while it is paused."""

    name: str
    cron: str
    next_at: datetime | None


def create_schedule(
    name: str,
    *,
    pipeline: Pipeline,
    cron: str,
    config: Path,
    overrides: Sequence[str],
    cluster: ClusterConfig,
    workspace: Workspace,
) -> Scheduled:
    """Let the cluster retrain by itself.

    Args:
        name: of the schedule.
        pipeline: the one of retraining.
        cron: when, in UTC; see :func:`check_cron`.
        config: YAML file, which is read anew each time; pods must see it.
        overrides: ``a.b=value`` texts.
        cluster: the section of the config.
        workspace: where the runs lie.

    Raises:
        ConfigError: the expression is wrong, the name is taken, pods would not see the file, or
            the stack is one of Kubeflow.
    """
    next_at = check_cron(cron, now=datetime.now(UTC))
    if any(found.name == name for found in schedules(pipeline)):
        raise ConfigError(f"schedule '{name}': is there; delete it first, or choose another name")
    arguments = (_in_pods(config, cluster=cluster, workspace=workspace), list(overrides))
    _refuse_kubeflow(cluster.stack)
    placed = placed_pipeline(pipeline, cluster, *arguments)
    placed.with_options(schedule=Schedule(name=name, cron_expression=cron))(*arguments)
    return Scheduled(name, cron, next_at)


def schedules(pipeline: Pipeline) -> tuple[Scheduled, ...]:
    """Return the schedules of a pipeline that ZenML knows, by name."""
    client, now = Client(), datetime.now(UTC)
    try:
        known = client.get_pipeline(pipeline.name)
    except KeyError:
        return ()
    found = client.list_schedules(pipeline_id=known.id, size=_PAGE)
    told = [_told(one.name, one.cron_expression or "", active=one.active, now=now) for one in found]
    return tuple(sorted(told, key=lambda one: one.name))


def set_active(name: str, *, pipeline: Pipeline, active: bool) -> None:
    """Pause a schedule, or let it go on.

    Raises:
        ConfigError: there is none of that name.
        ShazamError: the orchestrator did not do it.
    """
    _check_known(name, pipeline=pipeline)
    if Client().update_schedule(name, active=active).active is not active:
        raise ShazamError(
            f"schedule '{name}': the orchestrator did not change it; look at its CronJob"
        )


def delete_schedule(name: str, *, pipeline: Pipeline) -> None:
    """Delete a schedule and its CronJob; runs that it started stay.

    Raises:
        ConfigError: there is none of that name.
    """
    _check_known(name, pipeline=pipeline)
    Client().delete_schedule(name)


def _refuse_kubeflow(stack: str) -> None:
    try:
        found = Client().get_stack(stack, allow_name_prefix_match=False)
    except KeyError:
        return  # told when the pipeline is placed
    refuse_kubeflow(found, command="shazam schedule")


def _check_known(name: str, *, pipeline: Pipeline) -> None:
    names = [found.name for found in schedules(pipeline)]
    if name not in names:
        raise ConfigError(f"schedule '{name}': there is none; known: {', '.join(names) or 'none'}")


def _told(name: str, cron: str, *, active: bool, now: datetime) -> Scheduled:
    return Scheduled(name, cron, check_cron(cron, now=now) if active else None)


def _in_pods(config: Path, *, cluster: ClusterConfig, workspace: Workspace) -> str:
    path = config.resolve()
    if path.is_relative_to(SOURCE_ROOT):
        return path.relative_to(SOURCE_ROOT).as_posix()  # it is in the image
    places = [PurePosixPath(workspace.root.resolve()), *(claim.path for claim in cluster.claims)]
    if any(path.is_relative_to(place) for place in places):
        return str(path)
    raise ConfigError(
        f"{config}: no pod would see this file; put it into the workspace or on a volume of "
        "cluster.claims"
    )
