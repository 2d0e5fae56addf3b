"""`shazam stack`: the ZenML stack of a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shazam.cli.options import WorkspaceOption
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
