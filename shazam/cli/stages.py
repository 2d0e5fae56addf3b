"""The `shazam stages` commands: the data stages one by one, and `dvc.yaml` for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shazam.cli.options import ConfigOption, WorkspaceOption

stages_app = typer.Typer(
    help="The stages that make data, one by one; `dvc repro` runs them.", no_args_is_help=True
)

ViewsOption = Annotated[
    Path, typer.Option("--views", help="Folder in which stages show what they made.")
]


@stages_app.command("list")
def list_stages() -> None:
    """Print the table of stages."""
    from shazam.stages import DATA_STAGES

    for stage in DATA_STAGES:
        reads = ", ".join(stage.inputs) or "the cohort table and the slides"
        once = " once for each teacher" if stage.per_teacher else ""
        typer.echo(f"{stage.name}{once}: reads {reads}; keys {', '.join(stage.parameters)}")


@stages_app.command()
def dvc(config: ConfigOption, workspace: WorkspaceOption = Path("workspace")) -> None:
    """Print dvc.yaml for a config; save it in the folder in which you are."""
    from shazam.cli.demo_cohort import with_demo
    from shazam.config import load_config
    from shazam.integrations.dvc_yaml import Project, dvc_yaml
    from shazam.workspace import Workspace

    loaded = load_config(config).config
    if loaded.demo is not None:
        loaded = with_demo(loaded, workspace=Workspace(workspace))
    project = Project(loaded, config_path=config, workspace=workspace, root=Path.cwd())
    typer.echo(dvc_yaml(project), nl=False)


@stages_app.command()
def run(
    name: Annotated[str, typer.Argument(metavar="STAGE", help="One of `shazam stages list`.")],
    config: ConfigOption,
    workspace: WorkspaceOption = Path("workspace"),
    views: ViewsOption = Path("data"),
    teacher: Annotated[str | None, typer.Option("--teacher", help="For `extract`.")] = None,
) -> None:
    """Run one stage on the views of the stages before it, and show what it made."""
    from shazam.cli.stage_run import run_stage

    run_stage(name, config=config, workspace=workspace, views=views, teacher=teacher)
