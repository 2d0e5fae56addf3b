"""Extraction against the published way: speed, bytes, resume, publishing, memory."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openslide
import torch
from rich.console import Console

from benchmarks.memory import MemoryWatch
from benchmarks.published import extract_as_published, read_plain
from benchmarks.rows import Bound, Row
from benchmarks.slides import BenchCohort, make_cohort
from benchmarks.teachers import CNNS, WITH_VIT, encoders, make_library, plain
from shazam.config.tree import Precision
from shazam.features.decoding import START_METHOD, Request, SlideTiles, TileDataset, decode
from shazam.features.extract import extract_slides
from shazam.features.store import (
    LEVELS,
    read_attrs,
    read_coords,
    read_features,
    write_features,
)
from shazam.hdf5 import write_arrays
from shazam.manifests import FeaturesManifest, TilesManifest
from shazam.progress import silent
from shazam.slides.tiles import read_grid
from shazam.teachers.encoder import Encoder
from shazam.teachers.library import TeacherLibrary
from shazam.workspace import Workspace

Array = npt.NDArray[np.generic]

_PUBLISHED = "each teacher alone, decoded each time, model twice, fp32, one reader"


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


def measure(data: Path, *, folder: Path, only: str | None) -> Iterator[Row]:
    """Measure every row whose name holds ``only``, and give each as it comes."""
    cohort = make_cohort(data, folder / "slides", n_slides=4, side_fields=4)
    workspace = Workspace(folder / "tiled")
    bench = Bench(
        data=data,
        cohort=cohort,
        tiles=cohort.tiled(workspace),
        workspace=workspace,
        library=make_library(folder / "library"),
        folder=folder,
    )
    for name, row in _ROWS.items():
        if only is None or only in name:
            Console(stderr=True).print(f"measuring: {name}")
            yield row(bench)


def three_teachers(bench: Bench) -> Row:
    """Three teachers in float32."""
    published_s = bench.published_s(CNNS, out="published")
    teachers = encoders(bench.library, CNNS, Precision.FLOAT32)
    ours_s = timed(lambda: bench.extract(teachers, bench.empty("fp32")))
    return Row(
        "3 teachers x 3 levels, fp32",
        _PUBLISHED,
        published_s / ours_s,
        Bound.AT_LEAST,
        2.5,
        {"published_s": published_s, "ours_s": ours_s, "n_tiles": _n_tiles(bench.tiles)},
    )


def half_precision(bench: Bench) -> Row:
    """Two convolutional teachers and a ViT-S in bfloat16."""
    published_s = bench.published_s(WITH_VIT, out="published_vit")
    exact_s = timed(
        lambda: bench.extract(
            encoders(bench.library, WITH_VIT, Precision.FLOAT32), bench.empty("vit_fp32")
        )
    )
    teachers = encoders(bench.library, WITH_VIT, Precision.BFLOAT16)
    half = bench.empty("vit_bf16")
    ours_s = timed(lambda: bench.extract(teachers, half))
    return Row(
        "3 teachers with a ViT-S, bf16",
        _PUBLISHED,
        published_s / ours_s,
        Bound.AT_LEAST,
        6.0,
        {
            "published_s": published_s,
            "ours_s": ours_s,
            "ours_fp32_s": exact_s,
            "fp32_ratio": published_s / exact_s,
            "min_cosine": _min_cosine(
                _level_pairs(bench.folder / "vit_fp32", bench.folder / "vit_bf16")
            ),
            "min_cosine_fp32_to_published": _min_cosine(
                _published_pairs(bench.folder / "vit_fp32", bench.folder / "published_vit")
            ),
        },
    )


def reading(bench: Bench) -> Row:
    """Tiles by two processes, against one that reads in a loop."""
    grids = [(t, read_grid(bench.workspace.path(t.uri))) for t in bench.tiles.slides]

    def loop() -> None:
        for tiled, grid in grids:
            with openslide.OpenSlide(bench.cohort.folder / tiled.slide.path) as slide:
                for index in range(grid.n_tiles):
                    np.asarray(read_plain(slide, grid, index))

    slides = [
        SlideTiles(path=bench.cohort.folder / t.slide.path, grid_path=bench.workspace.path(t.uri))
        for t, _ in grids
    ]

    def by_processes(n_rounds: int) -> None:
        asked = (
            Request(number, start)
            for _ in range(n_rounds)
            for number, (_, grid) in enumerate(grids)
            for start in range(0, grid.n_tiles, 32)
        )
        dataset = TileDataset(slides, batch_size=32)
        for _ in decode(dataset, asked, n_readers=2, pinned=False, start_method=START_METHOD):
            pass

    loop()
    by_processes(1)
    n_rounds = 5
    loop_s = timed(lambda: [loop() for _ in range(n_rounds)])
    readers_s = timed(lambda: by_processes(n_rounds))
    return Row(
        "reading tiles, 2 workers",
        "single-process read_region loop",
        loop_s / readers_s,
        Bound.AT_LEAST,
        1.7,
        {"loop_s": loop_s, "readers_s": readers_s, "n_tiles": n_rounds * _n_tiles(bench.tiles)},
    )


def bytes_on_disk(bench: Bench) -> Row:
    """Three levels of one teacher, against float32 tuples."""
    if not (bench.folder / "published").is_dir():
        bench.published_s(CNNS[:1], out="published")
    workspace = bench.empty("bytes")
    bench.extract(encoders(bench.library, CNNS[:1], Precision.FLOAT32), workspace)
    ours = sum(p.stat().st_size for p in (workspace.root / "features").rglob("*.h5"))
    theirs = sum(p.stat().st_size for p in (bench.folder / "published" / CNNS[0]).glob("*.pt"))
    return Row(
        "bytes on disk, 3 levels",
        "float32 .pt tuples",
        ours / theirs,
        Bound.AT_MOST,
        0.55,
        {"ours_bytes": ours, "pt_bytes": theirs},
    )


def second_run(bench: Bench) -> Row:
    """A second run with a tenth more slides, against the first."""
    cohort = make_cohort(bench.data, bench.folder / "more", n_slides=22, side_fields=2)
    workspace = Workspace(bench.folder / "second")
    tiles = cohort.tiled(workspace)
    first = tiles.model_copy(update={"slides": tiles.slides[:20]})
    teachers = encoders(bench.library, CNNS, Precision.FLOAT32)
    grown = replace(bench, cohort=cohort)
    first_s = timed(lambda: grown.extract(teachers, workspace, first))
    second_s = timed(lambda: grown.extract(teachers, workspace, tiles))
    return Row(
        "second run with 10 % new slides",
        "first run",
        second_s / first_s,
        Bound.AT_MOST,
        0.15,
        {"first_s": first_s, "second_s": second_s},
    )


def publish_overhead(bench: Bench) -> Row:
    """What publishing adds to plain writing, as a part of the extraction."""
    workspace = bench.empty("publish")
    teachers = encoders(bench.library, CNNS, Precision.FLOAT32)
    extract_s = timed(lambda: bench.extract(teachers, workspace))
    files = sorted((workspace.root / "features").rglob("*.h5"))
    read = [(read_features(f, levels=LEVELS), read_coords(f), read_attrs(f)) for f in files]
    target = bench.folder / "again.h5"

    def plainly() -> None:
        for levels, coords, attrs in read:
            known = {name: value for name, value in asdict(attrs).items() if value is not None}
            write_arrays(target, {**levels, "coords": coords}, known)

    def published() -> None:
        for levels, coords, attrs in read:
            write_features(target, levels=levels, coords=coords, attrs=attrs)

    plain_s, publish_s = timed(plainly), timed(published)
    return Row(
        "publish overhead",
        "writing without it, of the whole extraction",
        (publish_s - plain_s) / extract_s,
        Bound.AT_MOST,
        0.03,
        {"extract_s": extract_s, "plain_s": plain_s, "publish_s": publish_s},
    )


def memory(bench: Bench) -> Row:
    """Memory of the extracting process and its readers after 200 slides, against after 20."""
    cohort = make_cohort(bench.data, bench.folder / "many", n_slides=200, side_fields=1)
    workspace = Workspace(bench.folder / "memory")
    tiles = cohort.tiled(workspace)
    watch = MemoryWatch()
    extract_slides(
        tiles,
        slides_dir=cohort.folder,
        encoders=encoders(bench.library, CNNS[:1], Precision.FLOAT32),
        workspace=workspace,
        progress=lambda _: watch,
    )
    early_mib, late_mib = max(watch.mib[10:30]), max(watch.mib[-20:])
    return Row(
        "memory after 200 slides",
        "after 20",
        late_mib / early_mib,
        Bound.AT_MOST,
        1.05,
        {"after_20_mib": early_mib, "after_200_mib": late_mib},
    )


def _n_tiles(tiles: TilesManifest) -> int:
    return sum(slide.n_tiles for slide in tiles.slides)


def _min_cosine(pairs: Iterable[tuple[Array, Array]]) -> float:
    """Return the smallest cosine between vectors of the same tile."""
    smallest = 1.0
    for left, right in pairs:
        a, b = left.astype(np.float64), right.astype(np.float64)
        norms = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
        smallest = min(smallest, float(((a * b).sum(axis=1) / norms).min()))
    return smallest


def _level_pairs(exact: Path, other: Path) -> Iterator[tuple[Array, Array]]:
    for name in WITH_VIT:
        ours = sorted((exact / "features" / name).rglob("*.h5"), key=lambda path: path.name)
        theirs = sorted((other / "features" / name).rglob("*.h5"), key=lambda path: path.name)
        for left, right in zip(ours, theirs, strict=True):
            a, b = read_features(left, levels=LEVELS), read_features(right, levels=LEVELS)
            yield from ((a[level], b[level]) for level in LEVELS)


def _published_pairs(exact: Path, published: Path) -> Iterator[tuple[Array, Array]]:
    for name in WITH_VIT:
        for path in (exact / "features" / name).rglob("*.h5"):
            levels = torch.load(published / name / f"{path.stem}.pt", weights_only=True)
            ours = read_features(path, levels=LEVELS)
            for level, theirs in zip(LEVELS, levels, strict=True):
                yield ours[level], theirs.numpy()


_ROWS: dict[str, Callable[[Bench], Row]] = {
    "three teachers": three_teachers,
    "half precision": half_precision,
    "reading": reading,
    "bytes": bytes_on_disk,
    "second run": second_run,
    "publish": publish_overhead,
    "memory": memory,
}
