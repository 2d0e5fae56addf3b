"""Small slides made on the spot, and the records that name them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tifffile

from shazam.cohort.model import Slide
from shazam.demo.pyramid import write_pyramid
from shazam.digest import digest_of_file
from shazam.progress import LineProgress
from shazam.refs import CohortRef

EOSIN = (214, 120, 170)
COHORT_REF = CohortRef(uri="cohorts/x/cohort.parquet", sha256="0" * 64, n_cases=1, n_slides=1)


@dataclass(frozen=True)
class SlideSet:
    slides: tuple[Slide, ...]


def silent(stage: str) -> Callable[[int], LineProgress]:
    return lambda total: LineProgress(stage, total, stream=io.StringIO())


def tissue_picture(
    height_px: int = 700, width_px: int = 900, *, margin_px: int = 0, seed: int = 0
) -> np.ndarray:
    """Pink texture on white, uint8 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    rgb = np.full((height_px, width_px, 3), 244, np.uint8)
    inner = (height_px - 2 * margin_px, width_px - 2 * margin_px)
    shade = rng.integers(-25, 25, (*inner, 1))
    inside = slice(margin_px, height_px - margin_px), slice(margin_px, width_px - margin_px)
    rgb[inside] = np.clip(np.array(EOSIN) + shade, 0, 255)
    return rgb


def make_slide(
    folder: Path,
    name: str = "S1",
    *,
    rgb: np.ndarray | None = None,
    mpp: float | None = 0.5,
    n_levels: int = 1,
) -> Slide:
    """Write a slide below a folder and return its record."""
    path = folder / f"{name}.tiff"
    folder.mkdir(parents=True, exist_ok=True)
    picture = tissue_picture() if rgb is None else rgb
    write_pyramid(path, picture, mpp=mpp, n_levels=n_levels)
    return record(path)


def make_coarse_first(folder: Path, name: str = "S1") -> Slide:
    """Write a slide whose finest level lies at the end of the file, and return its record."""
    folder.mkdir(parents=True, exist_ok=True)
    rgb = tissue_picture()
    with tifffile.TiffWriter(folder / f"{name}.tiff") as writer:
        for number, factor in enumerate((2, 1)):
            writer.write(
                np.ascontiguousarray(rgb[::factor, ::factor]),
                photometric="rgb",
                tile=(256, 256),
                compression="jpeg",
                subfiletype=number,
                resolution=(20_000, 20_000),
                resolutionunit="CENTIMETER",
            )
    return record(folder / f"{name}.tiff")


def record(path: Path) -> Slide:
    return Slide(
        slide_id=path.stem,
        case_id=f"case-{path.stem}",
        path=path.name,
        size_bytes=path.stat().st_size,
        sha256=digest_of_file(path),
    )


def truncated(slide: Slide, folder: Path, *, kept: float) -> Slide:
    """Cut a slide's file short and record it as it is then."""
    path = folder / slide.path
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    return replace(record(path), slide_id=slide.slide_id)
