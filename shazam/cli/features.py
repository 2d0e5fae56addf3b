"""`shazam features`: bring in features that another tool made, and look into a file of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shazam.config.imports import MissingValues, StoredDtype
from shazam.errors import ExitCode
from shazam.features.imports.layouts import CoordsUnit, Layout

features_app = typer.Typer(help="Features that you already have.", no_args_is_help=True)


@features_app.command("import")
def import_command(
    teacher: Annotated[str, typer.Option("--teacher", help="Name of who made the features.")],
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="PATH...", help="Files, or folders of files.")
    ] = None,
    workspace: Annotated[
        Path, typer.Option("--workspace", "-w", help="Folder in which everything is kept.")
    ] = Path("workspace"),
    level: Annotated[
        list[str] | None,
        typer.Option("--level", help="low, mid or high: what an array is; may be repeated."),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            "--dataset", "--array", help="Array that holds the features; one for each --level."
        ),
    ] = None,
    layout: Annotated[Layout | None, typer.Option("--layout", help="What two tensors are.")] = None,
    ids: Annotated[
        str | None, typer.Option("--ids", help="Array of a .npz table that names its rows.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", help="Array of a .npz table; rows with equal values are one bag."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option("--labels", help="Array of whole numbers: classes of the tiles.")
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option("--classes", metavar="A,B,...", help="Classes in order, for labels of text."),
    ] = None,
    coords_unit: Annotated[
        CoordsUnit | None, typer.Option("--coords-unit", help="Unit of the coordinates.")
    ] = None,
    mpp: Annotated[
        float | None,
        typer.Option("--mpp", help="Micrometres per pixel at level 0, if files do not say it."),
    ] = None,
    dtype: Annotated[
        StoredDtype, typer.Option("--dtype", help="How features are stored.")
    ] = StoredDtype.FLOAT16,
    missing_values: Annotated[
        MissingValues,
        typer.Option("--missing-values", help="impute: NaN is kept, and filled in by training."),
    ] = MissingValues.REFUSE,
    revision: Annotated[
        str, typer.Option("--revision", help="Revision of the teacher.")
    ] = "unknown",
    licence: Annotated[
        str, typer.Option("--licence", help="Licence of the teacher, an SPDX name.")
    ] = "unknown",
    weights_sha256: Annotated[
        str | None, typer.Option("--weights-sha256", help="SHA-256 of the teacher's weights.")
    ] = None,
    feature_map: Annotated[
        Path | None,
        typer.Option("--feature-map", help="JSON object from case ids to feature files."),
    ] = None,
    feature_root: Annotated[
        Path | None,
        typer.Option("--feature-root", help="Folder of the map's files; else the map's own."),
    ] = None,
    cohort: Annotated[
        Path | None,
        typer.Option("--cohort", help="CSV with case_id and slide_id: the cases of slides."),
    ] = None,
    max_quarantine_fraction: Annotated[
        float, typer.Option("--max-quarantine-fraction", min=0.0, max=1.0)
    ] = 0.02,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 3 when any slide was quarantined.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and judge everything, write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Import features of CLAM, TRIDENT, STAMP, Shazam's .pt files or .npz tables."""
    from shazam.cli.import_features import ImportRequest, run_import
    from shazam.features.imports.bag import ImportOptions
    from shazam.features.imports.teacher import ImportedTeacher

    options = ImportOptions(
        levels=tuple(level or ()),
        datasets=tuple(dataset or ()),
        layout=layout,
        ids=ids,
        group=group,
        labels=labels,
        classes=tuple(classes.split(",")) if classes else (),
        coords_unit=coords_unit,
        mpp=mpp,
        dtype=dtype,
        missing_values=missing_values,
    )
    request = ImportRequest(
        paths=tuple(paths or ()),
        teacher=ImportedTeacher(teacher, revision, licence, weights_sha256),
        options=options,
        feature_map=feature_map,
        feature_root=feature_root,
        cohort=cohort,
        max_quarantine_fraction=max_quarantine_fraction,
    )
    n_quarantined = run_import(request, workspace=workspace, dry_run=dry_run, as_json=as_json)
    if strict and n_quarantined:
        raise SystemExit(ExitCode.QUARANTINED)


@features_app.command("show")
def show_command(
    file: Annotated[Path, typer.Argument(help="A file of features, of Shazam or another tool.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what a file of features holds."""
    from shazam.cli.show_features import show_features

    show_features(file, as_json=as_json)
