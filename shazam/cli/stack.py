"""`shazam stack`: the ZenML stack of a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shazam.cli.options import ConfigOption, SetOption, WorkspaceOption
from shazam.stages import SOURCE_ROOT
from shazam.workspace import Workspace

OVERLAYS = SOURCE_ROOT / "k8s" / "overlays"
stack_app = typer.Typer(help="The ZenML stack of a cluster.", no_args_is_help=True)


@stack_app.command("register")
def register(
    overlay: Annotated[
        str, typer.Option("--overlay", metavar="NAME|FOLDER", help="Whose stack.yaml is taken.")
    ],
    workspace: WorkspaceOption = Path("workspace"),
) -> None:
    """Register the stack of an overlay, or what changed of it, and make it the active one."""
    from shazam.integrations.environment import prepare_environment

    prepare_environment(Workspace(workspace))

    from shazam.integrations.kubernetes.stack import STACK_FILE, read_stack, register_stack

    folder = Path(overlay) if (Path(overlay) / STACK_FILE).is_file() else OVERLAYS / overlay
    for part in register_stack(read_stack(folder / STACK_FILE)):
        typer.echo(f"{part.kind} {part.name}: {part.change}")


@stack_app.command("check")
def check(
    config: ConfigOption,
    workspace: WorkspaceOption = Path("workspace"),
    overrides: SetOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell what a cluster lacks for a run of a config, and the fix; exit 5 if anything is missing.

    Nothing is changed. What may not be asked is told, and is no failure.
    """
    from shazam.cli.stack_check import check as check_stack

    raise SystemExit(
        check_stack(config, workspace=workspace, overrides=overrides or [], as_json=as_json)
    )
