"""`shazam stack check`: what a cluster lacks for a run of a config, and the fix."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from shazam.config import load_config
from shazam.errors import ConfigError, ExitCode
from shazam.integrations.environment import prepare_environment, quieten
from shazam.workspace import Workspace

if TYPE_CHECKING:
    from shazam.integrations.kubernetes.check_rows import Row


def check(config: Path, *, workspace: Path, overrides: Sequence[str], as_json: bool) -> ExitCode:
    """Print a row for each thing that a run needs.

    Raises:
        ConfigError: the config is wrong, or describes no cluster.
    """
    cluster = load_config(config, overrides=overrides).config.cluster
    if cluster is None:
        raise ConfigError(
            f"{config}: has no section 'cluster', so a run of it needs none; start from "
            "configs/k8s.yaml"
        )
    prepare_environment(Workspace(workspace))
    _need_client()

    from shazam.integrations.kubernetes.check import check_stack
    from shazam.integrations.kubernetes.check_rows import State

    quieten()
    rows = []
    for row in check_stack(cluster):
        rows.append(row)
        if not as_json:
            _print(row)
    lacks = [row for row in rows if row.state is State.MISSING]
    unasked = [row for row in rows if row.state is State.UNASKED]
    if as_json:
        typer.echo(json.dumps({"ok": not lacks, "rows": [asdict(row) for row in rows]}, indent=1))
    else:
        typer.echo(f"{len(rows)} looked at, {len(lacks)} missing, {len(unasked)} not to be asked")
    return ExitCode.REFUSED if lacks else ExitCode.DONE


def _need_client() -> None:
    from importlib.util import find_spec

    if find_spec("kubernetes") is None:
        raise ConfigError(
            "the package 'kubernetes' is not installed here; pip install 'shazam[kubernetes]'"
        )


def _print(row: Row) -> None:
    typer.echo(f"{row.state:18} {row.what}: {row.found}")
    if row.fix:
        typer.echo(f"{'':18} -> {row.fix}")
