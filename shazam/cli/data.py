"""The `shazam data` commands: versions of slides and features, sent and brought back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

data_app = typer.Typer(help="Versions of slides and features, by DVC.", no_args_is_help=True)

PathsArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[PATH]...", help="Files, folders or pointers; default: all versions."),
]
WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace",
        "-w",
        help="A workspace, which has a repository of its own. Default: the DVC repository that "
        "holds the paths, or the current folder.",
    ),
]


@data_app.command()
def version(paths: PathsArgument = None, workspace: WorkspaceOption = None) -> None:
    """Version files or folders; with -w alone, all features of the workspace."""
    from shazam.cli import data_versions

    data_versions.version(paths or [], workspace=workspace)


@data_app.command()
def push(paths: PathsArgument = None, workspace: WorkspaceOption = None) -> None:
    """Send to the remote what it does not have."""
    from shazam.cli import data_versions

    data_versions.push(paths or [], workspace=workspace)


@data_app.command()
def pull(paths: PathsArgument = None, workspace: WorkspaceOption = None) -> None:
    """Bring versions from the remote, check every byte, then put them in their places."""
    from shazam.cli import data_versions

    data_versions.pull(paths or [], workspace=workspace)


@data_app.command()
def status(paths: PathsArgument = None, workspace: WorkspaceOption = None) -> None:
    """Tell what changed since it was versioned, and what the remote lacks."""
    from shazam.cli import data_versions

    data_versions.status(paths or [], workspace=workspace)


@data_app.command()
def diff(
    rev: Annotated[str, typer.Argument(metavar="REV", help="A git commit, tag or branch.")],
    paths: PathsArgument = None,
    workspace: WorkspaceOption = None,
) -> None:
    """List files that were added, modified or deleted since a git revision."""
    from shazam.cli import data_versions

    data_versions.diff(rev, paths or [], workspace=workspace)


@data_app.command()
def remote(
    url: Annotated[str, typer.Argument(metavar="URL", help="s3://bucket/folder, or a folder.")],
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="URL", help="Of a store that is not Amazon's."),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Name the default remote; credentials come from the environment or an AWS profile alone."""
    from shazam.cli import data_versions

    data_versions.remote(url, endpoint=endpoint, workspace=workspace)
