"""What `shazam report` does: make a run's report again from the run's folder alone."""

from __future__ import annotations

from pathlib import Path

import typer

from shazam.evaluation.context import CONTACT_SHEET
from shazam.evaluation.run_folder import (
    REPORT,
    TWIN,
    Pages,
    find_run,
    pages_of,
    publish_pages,
    read_document,
)
from shazam.publish import publish_bytes


def report(run: str, *, workspace: Path, out: Path | None) -> None:
    """Make the report again and print its path last.

    Args:
        run: digest, its start, or a path; see :func:`find_run`.
        workspace: where the run is looked for.
        out: where the page goes; None puts it back into the run's folder. Its twin, the
            model card, and the contact sheet that it links to go beside it.

    Raises:
        ConfigError: there is no such run, or several.
        ArtifactError: a file of the run is missing or altered.
    """
    folder = find_run(run, runs=workspace / "runs")
    document = read_document(folder)
    if out is None:
        pages = pages_of(document, folder=folder)
        _tell_what_changes(folder / REPORT, pages=pages)
        publish_pages(document, folder=folder)
        print(folder / REPORT)
        return
    _check_target(out, folder=folder)
    pages = pages_of(document, folder=folder)
    publish_bytes(out, pages.html)
    publish_bytes(out.with_suffix(".report.json"), pages.json)
    publish_bytes(out.with_suffix(".model_card.md"), pages.card)
    sheet = folder / CONTACT_SHEET
    if document.context.contact_sheet is not None and sheet.is_file():
        publish_bytes(out.parent / CONTACT_SHEET, sheet.read_bytes())
    print(out)


def _check_target(out: Path, *, folder: Path) -> None:
    if out.is_dir():
        raise typer.BadParameter(f"--out {out}: is a folder; name a file such as {out / REPORT}")
    if out.suffix != ".html":
        raise typer.BadParameter(f"--out {out}: name a file that ends in .html")
    if out.resolve().parent == folder.resolve():
        raise typer.BadParameter(f"--out {out}: lies in the run's folder; leave --out away")


def _tell_what_changes(target: Path, *, pages: Pages) -> None:
    if not target.is_file():
        typer.echo(f"{REPORT} was missing; it is made again from {TWIN}", err=True)
    elif target.read_bytes() != pages.html:
        typer.echo(
            f"{REPORT} was altered, or another version wrote it; it is made again from {TWIN}",
            err=True,
        )
