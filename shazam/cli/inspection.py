"""What `shazam slides inspect` does: look at each slide, print what was found, draw it."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import typer
from PIL import Image

from shazam.config import load_config
from shazam.config.tiling import TilingConfig
from shazam.errors import ExitCode
from shazam.publish import publish_bytes
from shazam.slides.find import find_slides
from shazam.slides.inspect import Inspection, inspect_slide
from shazam.stages import SOURCE_ROOT

# says nothing of tiling, so what --set and the environment leave is the default
_NO_TILING = SOURCE_ROOT / "configs" / "survival.yaml"
_COLUMN = 12
# a file's name may have 255 bytes, and that of a picture is longer than the slide's
_LONGEST_NAME_BYTES = 200


def inspect(
    paths: Sequence[Path],
    *,
    png: Path | None,
    as_json: bool,
    config: Path | None,
    overrides: Sequence[str],
) -> ExitCode:
    """Inspect slides and print what was found, a slide after the other.

    Raises:
        typer.BadParameter: no slide is found, or the pictures cannot be named.
        ConfigError: the configuration is wrong.
    """
    tiling = load_config(config or _NO_TILING, overrides=overrides).config.tiling
    slides = _slides(paths)
    pictures = _picture_paths(slides, png=png)
    found = []
    for slide in slides:
        looked = inspect_slide(slide, config=tiling, with_picture=png is not None)
        if looked.picture is not None:
            publish_bytes(pictures[slide], _png(looked.picture))
        found.append(looked.inspection)
        if not as_json:
            drawn = pictures[slide] if looked.picture is not None else None
            typer.echo(describe(looked.inspection, config=tiling, picture=drawn))
    if as_json:
        values = [inspection.model_dump(mode="json") for inspection in found]
        typer.echo(json.dumps(values, indent=2, ensure_ascii=True))
    bad = any(inspection.problem is not None for inspection in found)
    return ExitCode.TOO_MANY_QUARANTINED if bad else ExitCode.DONE


def describe(inspection: Inspection, *, config: TilingConfig, picture: Path | None) -> str:
    """Return the text for people: a line for each thing that was found."""
    lines = [inspection.path, *_properties(inspection)]
    if inspection.tissue_fraction is not None:
        lines.append(_line("tissue", f"{inspection.tissue_fraction:.1%} of the slide"))
    if inspection.n_tiles is not None:
        level = "" if inspection.tile_level is None else f" from level {inspection.tile_level}"
        lines.append(
            _line("tiles", f"{inspection.n_tiles} of {config.tile_um:g} um, {config.tile_px} px")
            + level
        )
    lines += _privacy(inspection)
    if picture is not None:
        lines.append(_line("picture", str(picture)))
    problem = inspection.problem
    verdict = "would be used" if problem is None else "would be set aside: "
    told = "" if problem is None else f"{problem.reason}: {problem.message}"
    return "\n".join((*lines, _line("in a run", verdict + told)))


def _properties(inspection: Inspection) -> list[str]:
    lines = []
    if inspection.format is not None:
        lines.append(_line("format", inspection.format))
    if inspection.sha256 is not None:
        files = "1 file" if inspection.n_files == 1 else f"{inspection.n_files} files"
        size = f"{files}, {inspection.size_bytes} bytes, sha256 {inspection.sha256}"
        lines.append(_line("files", size))
    if inspection.levels:
        sides = ", ".join(f"{level.width_px} x {level.height_px}" for level in inspection.levels)
        lines.append(_line("levels", f"{sides} px"))
    if inspection.mpp is not None:
        lines.append(_line("resolution", f"{inspection.mpp:.6g} um/px ({inspection.mpp_origin})"))
    if inspection.objective_power is not None:
        power = f"{inspection.objective_power:g}x ({inspection.objective_power_origin})"
        lines.append(_line("objective", power))
    return lines


def _privacy(inspection: Inspection) -> list[str]:
    if not inspection.privacy:
        return [_line("privacy", "nothing found in tags, associated images and file name")]
    return [
        _line("privacy", f"{finding.kind.replace('_', ' ')}: {finding.place}")
        for finding in inspection.privacy
    ]


def _line(name: str, text: str) -> str:
    return f"  {name:<{_COLUMN}}{text}"


def _slides(paths: Sequence[Path]) -> tuple[Path, ...]:
    slides: dict[Path, None] = {}
    for path in paths:
        found = find_slides(path) if path.is_dir() else (path,)
        if not found:
            raise typer.BadParameter(f"{path}: no slide in this folder", param_hint="PATH")
        slides.update(dict.fromkeys(found))
    return tuple(slides)


def _picture_paths(slides: Sequence[Path], *, png: Path | None) -> dict[Path, Path]:
    """Return where each slide's picture goes; a slide is never written over."""
    if png is None:
        return {}
    if png.suffix.lower() == ".png" and not png.is_dir():
        if len(slides) > 1:
            raise typer.BadParameter(
                f"{png}: one picture for {len(slides)} slides; name a folder", param_hint="--png"
            )
        chosen = {slides[0]: png}
    else:
        chosen = _in_folder(slides, png)
    resolved = {slide.resolve() for slide in slides}
    for target in chosen.values():
        if target.resolve() in resolved or (png.exists() and not png.is_dir() and png != target):
            raise typer.BadParameter(
                f"{target}: is a slide or no folder; name another", param_hint="--png"
            )
    return chosen


def _in_folder(slides: Sequence[Path], folder: Path) -> dict[Path, Path]:
    chosen: dict[Path, Path] = {}
    taken: set[str] = set()
    for slide in slides:
        short = os.fsencode(slide.name)[:_LONGEST_NAME_BYTES].decode(errors="ignore")
        name, number = short, 1
        while name.lower() in taken:
            number += 1
            name = f"{short}-{number}"
        taken.add(name.lower())
        chosen[slide] = folder / f"{name}.overlay.png"
    return chosen


def _png(rgb: npt.NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, format="PNG")
    return buffer.getvalue()
