"""`shazam schedule`: retraining by the clock of the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shazam.cli.options import ConfigOption, SetOption, WorkspaceOption
from shazam.config import load_config
from shazam.errors import ConfigError
from shazam.integrations.environment import prepare_environment
from shazam.workspace import Workspace

schedule_app = typer.Typer(help="Retraining by the clock of the cluster.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(metavar="NAME")]
_HERE = Path("workspace")


@schedule_app.command("create")
def create(
    name: NameArgument,
    config: ConfigOption,
    cron: Annotated[str, typer.Option("--cron", help="When, in UTC, such as '15 2 * * 1'.")],
    workspace: WorkspaceOption = _HERE,
    overrides: SetOption = None,
) -> None:
    """Let the cluster run `shazam retrain` at given times."""
    cluster = load_config(config, overrides=overrides or []).config.cluster
    if cluster is None:
        raise ConfigError(f"{config}: has no section 'cluster'; start from configs/k8s.yaml")
    place = Workspace(workspace)
    prepare_environment(place)

    from pipelines.retraining import retraining
    from shazam.integrations.kubernetes.schedules import create_schedule

    made = create_schedule(
        name,
        pipeline=retraining,
        cron=cron,
        config=config,
        overrides=overrides or [],
        cluster=cluster,
        workspace=place,
    )
    typer.echo(f"{made.name}: {made.cron}, next at {made.next_at:%Y-%m-%d %H:%M} UTC")


@schedule_app.command("list")
def list_all(workspace: WorkspaceOption = _HERE) -> None:
    """List the schedules."""
    prepare_environment(Workspace(workspace))

    from pipelines.retraining import retraining
    from shazam.integrations.kubernetes.schedules import schedules

    for one in schedules(retraining):
        told = "paused" if one.next_at is None else f"next at {one.next_at:%Y-%m-%d %H:%M} UTC"
        typer.echo(f"{one.name}: {one.cron}, {told}")


@schedule_app.command("pause")
def pause(name: NameArgument, workspace: WorkspaceOption = _HERE) -> None:
    """Stop starting runs; one that is under way goes on."""
    _set_active(name, workspace=workspace, active=False)


@schedule_app.command("resume")
def resume(name: NameArgument, workspace: WorkspaceOption = _HERE) -> None:
    """Start runs again."""
    _set_active(name, workspace=workspace, active=True)


@schedule_app.command("delete")
def delete(name: NameArgument, workspace: WorkspaceOption = _HERE) -> None:
    """Delete a schedule; runs that it started stay."""
    prepare_environment(Workspace(workspace))

    from pipelines.retraining import retraining
    from shazam.integrations.kubernetes.schedules import delete_schedule

    delete_schedule(name, pipeline=retraining)
    typer.echo(f"{name}: deleted")


def _set_active(name: str, *, workspace: Path, active: bool) -> None:
    prepare_environment(Workspace(workspace))

    from pipelines.retraining import retraining
    from shazam.integrations.kubernetes.schedules import set_active

    set_active(name, pipeline=retraining, active=active)
    typer.echo(f"{name}: {'goes on' if active else 'paused'}")
