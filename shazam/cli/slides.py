"""The `shazam slides` commands: look at slides outside any run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

slides_app = typer.Typer(help="Slides outside any run.", no_args_is_help=True)

PathsArgument = Annotated[
    list[Path],
    typer.Argument(metavar="PATH...", exists=True, help="Slides, or folders to search for them."),
]
PngOption = Annotated[
    Path | None,
    typer.Option(
        "--png",
        metavar="FILE_OR_FOLDER",
        help="Write a picture of tissue and tiles: a .png file for one slide, else a folder.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print a JSON list, an object a slide.")]
AssumeMppOption = Annotated[
    float | None,
    typer.Option("--assume-mpp", help="Micrometres per pixel of slides that do not say theirs."),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="YAML file whose tiling to try.")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=VALUE", help="Override one value, such as tiling.tile_um."),
]


@slides_app.callback()
def slides() -> None:
    """Slides outside any run."""


@slides_app.command()
def inspect(
    paths: PathsArgument,
    png: PngOption = None,
    as_json: JsonOption = False,
    assume_mpp: AssumeMppOption = None,
    config: ConfigOption = None,
    overrides: SetOption = None,
) -> None:
    """Say what slides are, what they give away, and what would become of them in a run.

    Exit code 4 when any of them would be set aside.
    """
    from shazam.cli import inspection

    chosen = list(overrides or [])
    if assume_mpp is not None:
        chosen.append(f"tiling.assume_mpp={assume_mpp}")
    raise SystemExit(
        inspection.inspect(paths, png=png, as_json=as_json, config=config, overrides=chosen)
    )
