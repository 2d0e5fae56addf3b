"""`shazam doctor`: whether this machine can do the work."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from shazam import __version__
from shazam.cli.options import WorkspaceOption
from shazam.errors import ExitCode


def doctor_command(
    workspace: WorkspaceOption = Path("workspace"),
    quick: Annotated[bool, typer.Option("--quick", help="Do not load torch.")] = False,
    sbom: Annotated[
        bool, typer.Option("--sbom", help="Print what is installed as CycloneDX instead.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say whether this machine can do the work; exit 1 if not.

    Looks at versions, packages, torch and GPUs, teachers, folders and servers that are set. Writes
    nothing, calls nobody and shows no secrets.
    """
    if sbom:
        from shazam.cli.installed_bill import installed_bill

        typer.echo(json.dumps(installed_bill(), indent=2))
        return
    raise SystemExit(int(_look(workspace, quick=quick, as_json=as_json)))


def _look(workspace: Path, *, quick: bool, as_json: bool) -> ExitCode:
    from shazam.cli import checkup, torch_checkup
    from shazam.stages import COMMIT_VARIABLE

    commit = os.environ.get(COMMIT_VARIABLE)
    of = f", commit {commit}" if commit else ""
    version = f"shazam {__version__}{of}, Python {platform.python_version()}"
    found = [
        checkup.Finding("version", checkup.State.OK, version),
        *checkup.lock_findings(),
        *checkup.package_findings(),
        *torch_checkup.torch_findings(load=not quick),
        *torch_checkup.teacher_findings(),
        *checkup.place_findings(workspace, environment=os.environ),
        *checkup.setting_findings(os.environ),
    ]
    wrong = [finding for finding in found if finding.state is checkup.State.WRONG]
    if as_json:
        told = {"healthy": not wrong, "findings": [asdict(finding) for finding in found]}
        typer.echo(json.dumps(told, indent=2))
    else:
        for finding in found:
            typer.echo(f"{finding.state:5} {finding.what}: {finding.told}")
        typer.echo(f"{len(wrong)} wrong" if wrong else "healthy")
    return ExitCode.FAILED if wrong else ExitCode.DONE
