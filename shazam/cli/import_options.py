"""Options of `shazam features import`: what each is called, and what it says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shazam.config.imports import MissingValues, StoredDtype
from shazam.features.imports.layouts import CoordsUnit, Layout

TeacherOption = Annotated[str, typer.Option("--teacher", help="Name of who made the features.")]
PathsArgument = Annotated[
    list[Path] | None, typer.Argument(metavar="PATH...", help="Files, or folders of files.")
]
WorkspaceOption = Annotated[
    Path, typer.Option("--workspace", "-w", help="Folder in which everything is kept.")
]
LevelOption = Annotated[
    list[str] | None,
    typer.Option("--level", help="low, mid or high: what an array is; may be repeated."),
]
DatasetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset", "--array", help="Array that holds the features; one for each --level."
    ),
]
LayoutOption = Annotated[Layout | None, typer.Option("--layout", help="What two tensors are.")]
IdsOption = Annotated[
    str | None, typer.Option("--ids", help="Array of a .npz table that names its rows.")
]
GroupOption = Annotated[
    str | None,
    typer.Option("--group", help="Array of a .npz table; rows with equal values are one bag."),
]
LabelsOption = Annotated[
    str | None, typer.Option("--labels", help="Array of whole numbers: classes of the tiles.")
]
ClassesOption = Annotated[
    str | None,
    typer.Option("--classes", metavar="A,B,...", help="Classes in order, for labels of text."),
]
CoordsUnitOption = Annotated[
    CoordsUnit | None, typer.Option("--coords-unit", help="Unit of the coordinates.")
]
MppOption = Annotated[
    float | None,
    typer.Option("--mpp", help="Micrometres per pixel at level 0, if files do not say it."),
]
DtypeOption = Annotated[StoredDtype, typer.Option("--dtype", help="How features are stored.")]
MissingValuesOption = Annotated[
    MissingValues,
    typer.Option("--missing-values", help="impute: NaN is kept, and filled in by training."),
]
RevisionOption = Annotated[str, typer.Option("--revision", help="Revision of the teacher.")]
LicenceOption = Annotated[
    str, typer.Option("--licence", help="Licence of the teacher, an SPDX name.")
]
WeightsSha256Option = Annotated[
    str | None, typer.Option("--weights-sha256", help="SHA-256 of the teacher's weights.")
]
FeatureMapOption = Annotated[
    Path | None,
    typer.Option("--feature-map", help="JSON object from case ids to feature files."),
]
FeatureRootOption = Annotated[
    Path | None,
    typer.Option("--feature-root", help="Folder of the map's files; else the map's own."),
]
CohortOption = Annotated[
    Path | None,
    typer.Option("--cohort", help="CSV with case_id and slide_id: the cases of slides."),
]
MaxQuarantineFractionOption = Annotated[
    float, typer.Option("--max-quarantine-fraction", min=0.0, max=1.0)
]
StrictOption = Annotated[
    bool, typer.Option("--strict", help="Exit 3 when any slide was quarantined.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Read and judge everything, write nothing.")
]
AsJsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
