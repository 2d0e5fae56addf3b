"""The `shazam split` commands: folds outside any run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

split_app = typer.Typer(help="Folds outside any run.", no_args_is_help=True)

FilesArgument = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", exists=True, help="Split files, or folders of them."),
]
SitesOption = Annotated[
    bool, typer.Option("--site-preserved", help="A site in training and test is a leak too.")
]
CohortOption = Annotated[
    Path | None,
    typer.Option(
        "--cohort",
        exists=True,
        dir_okay=False,
        metavar="TABLE",
        help="Table of cases, slides and sites, or a cohort.parquet. Without it TCGA barcodes "
        "tell case and site.",
    ),
]
ColumnOption = Annotated[
    str | None,
    typer.Option("--column", help="Of a table with several columns of fold numbers, one."),
]


@split_app.callback()
def split() -> None:
    """Folds outside any run."""


@split_app.command()
def check(
    files: FilesArgument,
    site_preserved: SitesOption = False,
    cohort: CohortOption = None,
    column: ColumnOption = None,
) -> None:
    """Look for cases, slides and sites that stand in two parts of a fold.

    Exit code 5 when there are any.
    """
    from shazam.cli import split_check

    raise SystemExit(
        split_check.check(files, sites_preserved=site_preserved, cohort=cohort, column=column)
    )
