"""What `shazam split check` prints of anybody's split files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from shazam.cohort.known import Known
from shazam.cohort.split_check import FoldFindings, SplitFindings, check_given
from shazam.cohort.split_files import read_split_files
from shazam.errors import ArtifactError, ConfigError, ExitCode


def check(
    files: Sequence[Path], *, sites_preserved: bool, cohort: Path | None, column: str | None
) -> ExitCode:
    """Print what was found in every fold; refused when anything leaks, else done."""
    try:
        findings = check_given(
            read_split_files(files, column=column),
            known=Known() if cohort is None else Known.of_file(cohort),
            sites_preserved=sites_preserved,
        )
    except (ConfigError, ArtifactError) as error:
        typer.echo(f"error: {error}", err=True)
        return ExitCode.WRONG_USE
    _print(findings, sites_preserved=sites_preserved)
    return ExitCode.REFUSED if findings.leaks else ExitCode.DONE


def _print(findings: SplitFindings, *, sites_preserved: bool) -> None:
    for fold in findings.folds:
        typer.echo(_headline(fold))
        for leak in fold.leaks:
            typer.echo(f"  LEAK: {leak}")
        for note in fold.notes:
            typer.echo(f"  note: {note}")
    for note in findings.notes:
        typer.echo(f"note: {note}")
    n_leaking = sum(bool(fold.leaks) for fold in findings.folds)
    looked_for = "cases, slides and sites" if sites_preserved else "cases and slides"
    if n_leaking:
        typer.echo(f"{n_leaking} of {len(findings.folds)} folds leak ({looked_for})")
    else:
        typer.echo(f"no leak in {len(findings.folds)} folds ({looked_for})")


def _headline(fold: FoldFindings) -> str:
    parts = (
        f"{name} {n_cases} cases" + (f" of {n_sites} sites" if n_sites else "")
        for name, n_cases, n_sites in fold.parts
    )
    return f"{fold.name}: {', '.join(parts)}"
