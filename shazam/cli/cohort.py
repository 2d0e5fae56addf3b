"""The `shazam cohort` commands: look at a cohort table outside any run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

cohort_app = typer.Typer(help="Cohort tables outside any run.", no_args_is_help=True)

TableArgument = Annotated[
    Path | None,
    typer.Argument(metavar="[TABLE]", help="The table; default: cohort.table of the config."),
]
SlidesOption = Annotated[
    Path | None,
    typer.Option("--slides", metavar="FOLDER", help="Look for the slides, and for equal ones."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="YAML file whose cohort is meant.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=VALUE", help="Override one value, as cohort.time_unit."),
]


@cohort_app.callback()
def cohort() -> None:
    """Cohort tables outside any run."""


@cohort_app.command()
def check(
    table: TableArgument = None,
    slides: SlidesOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Say how a table is read, and all that is wrong with it; nothing is written.

    Exit code 45 when anything is wrong.
    """
    from shazam.cli import table as command

    raise SystemExit(
        command.check(
            table, slides_dir=slides, as_json=as_json, config=config, overrides=overrides or []
        )
    )
