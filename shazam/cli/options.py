"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="Folder in which everything is kept.")
]
ConfigOption = Annotated[Path, typer.Option("--config", "-c", help="YAML file, see configs/.")]
DemoConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="YAML file with a section 'demo'.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=VALUE", help="Override one value; may be repeated."),
]
AssumeMppOption = Annotated[
    float | None,
    typer.Option("--assume-mpp", help="Micrometres per pixel of slides that do not say theirs."),
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Exit 3 when any slide was quarantined.")
]
NoCacheOption = Annotated[bool, typer.Option("--no-cache", help="Run every step again.")]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Digest of a run, the start of one, or a path.")
]
ReportOutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="An .html file; default: the run's folder."),
]


def with_mpp(overrides: list[str] | None, assume_mpp: float | None) -> list[str]:
    """Return overrides with that of the option ``--assume-mpp``, if it was given."""
    chosen = list(overrides or [])
    return chosen if assume_mpp is None else [*chosen, f"tiling.assume_mpp={assume_mpp}"]
