"""Slides for the benchmarks: real 40x fields joined to larger slides, made anew for each run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openslide

from shazam.config.tiling import TilingConfig
from shazam.demo.pyramid import write_pyramid
from shazam.digest import digest_of_file
from shazam.manifests import TilesManifest
from shazam.progress import silent
from shazam.refs import CohortRef
from shazam.slides import tile_slides, validate_slides
from shazam.workspace import Workspace

RgbArray = npt.NDArray[np.uint8]

_MPP = 0.25
TILING = TilingConfig()


@dataclass(frozen=True, slots=True)
class BenchSlide:
    """A slide as a cohort records it."""

    slide_id: str
    case_id: str
    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BenchCohort:
    """Slides of one folder."""

    folder: Path
    slides: tuple[BenchSlide, ...]

    def tiled(self, workspace: Workspace) -> TilesManifest:
        """Validate and tile the slides."""
        ref = CohortRef(uri="none", sha256="0" * 64, n_cases=1, n_slides=len(self.slides))
        valid = validate_slides(
            self,
            cohort_ref=ref,
            slides_dir=self.folder,
            config=TILING,
            workspace=workspace,
            progress=silent,
        )
        return tile_slides(
            valid, slides_dir=self.folder, config=TILING, workspace=workspace, progress=silent
        )


def make_cohort(data: Path, folder: Path, *, n_slides: int, columns: int, rows: int) -> BenchCohort:
    """Write slides of ``columns`` x ``rows`` real fields of 1000 px at 0.25 um/px."""
    fields = sorted((data / "wsi_monuseg").glob("*.tiff"))
    slides = []
    for number in range(n_slides):
        path = folder / f"S{number:03d}.tiff"
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(number)
        chosen = rng.choice(len(fields), columns * rows, replace=columns * rows > len(fields))
        picture = _mosaic([fields[index] for index in chosen], columns)
        write_pyramid(path, picture, mpp=_MPP, n_levels=1)
        slides.append(record(path))
    return BenchCohort(folder=folder, slides=tuple(slides))


def record(path: Path) -> BenchSlide:
    """Return the record of a slide's file."""
    return BenchSlide(
        slide_id=path.stem,
        case_id=path.stem,
        path=path.name,
        size_bytes=path.stat().st_size,
        sha256=digest_of_file(path),
    )


def _mosaic(fields: Sequence[Path], columns: int) -> RgbArray:
    rows = [
        np.concatenate([_pixels(path) for path in fields[start : start + columns]], axis=1)
        for start in range(0, len(fields), columns)
    ]
    return np.concatenate(rows, axis=0)


def _pixels(path: Path) -> RgbArray:
    with openslide.OpenSlide(path) as slide:
        return np.asarray(slide.read_region((0, 0), 0, slide.dimensions).convert("RGB"))
