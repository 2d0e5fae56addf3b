"""What the rows of the extraction benchmark share."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.published import extract_as_published
from benchmarks.slides import BenchCohort
from benchmarks.teachers import plain
from shazam.features.extract import extract_slides
from shazam.manifests import FeaturesManifest, TilesManifest
from shazam.progress import silent
from shazam.teachers.encoder import Encoder
from shazam.teachers.library import TeacherLibrary
from shazam.workspace import Workspace


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that work takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@dataclass(frozen=True)
class Bench:
    """What the rows share: slides, their tiles, teachers, and a folder for what they write."""

    data: Path
    cohort: BenchCohort
    tiles: TilesManifest
    workspace: Workspace
    library: TeacherLibrary
    folder: Path

    def extract(
        self, teachers: Sequence[Encoder], workspace: Workspace, tiles: TilesManifest | None = None
    ) -> tuple[FeaturesManifest, ...]:
        """Extract with the project's own way."""
        return extract_slides(
            tiles or self.tiles,
            slides_dir=self.cohort.folder,
            encoders=teachers,
            workspace=workspace,
            progress=silent,
        )

    def empty(self, name: str) -> Workspace:
        """Return a workspace with the tiles and no features."""
        workspace = Workspace(self.folder / name)
        shutil.copytree(self.workspace.root / "tiles", workspace.root / "tiles")
        return workspace

    def published_s(self, names: Sequence[str], *, out: str) -> float:
        """Return the seconds that the published way takes."""
        teachers = [plain(self.library, name) for name in names]
        return timed(
            lambda: extract_as_published(
                self.tiles,
                teachers,
                slides_dir=self.cohort.folder,
                workspace=self.workspace,
                out=self.folder / out,
            )
        )


def n_tiles_of(tiles: TilesManifest) -> int:
    return sum(slide.n_tiles for slide in tiles.slides)
