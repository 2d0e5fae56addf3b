"""`shazam features`: bring in features that another tool made, and look into a file of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shazam.cli import import_options as option
from shazam.config.imports import MissingValues, StoredDtype
from shazam.errors import ExitCode

features_app = typer.Typer(help="Features that you already have.", no_args_is_help=True)


@features_app.command("import")
def import_command(
    teacher: option.TeacherOption,
    paths: option.PathsArgument = None,
    workspace: option.WorkspaceOption = Path("workspace"),
    level: option.LevelOption = None,
    dataset: option.DatasetOption = None,
    layout: option.LayoutOption = None,
    ids: option.IdsOption = None,
    group: option.GroupOption = None,
    labels: option.LabelsOption = None,
    classes: option.ClassesOption = None,
    coords_unit: option.CoordsUnitOption = None,
    mpp: option.MppOption = None,
    dtype: option.DtypeOption = StoredDtype.FLOAT16,
    missing_values: option.MissingValuesOption = MissingValues.REFUSE,
    revision: option.RevisionOption = "unknown",
    licence: option.LicenceOption = "unknown",
    weights_sha256: option.WeightsSha256Option = None,
    feature_map: option.FeatureMapOption = None,
    feature_root: option.FeatureRootOption = None,
    cohort: option.CohortOption = None,
    max_quarantine_fraction: option.MaxQuarantineFractionOption = 0.02,
    strict: option.StrictOption = False,
    dry_run: option.DryRunOption = False,
    as_json: option.AsJsonOption = False,
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
