"""Rows on speed: teachers against the published way, readers against a loop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import openslide
import torch

from benchmarks.bench import Bench, n_tiles_of, timed
from benchmarks.published import read_plain
from benchmarks.rows import Bound, Row
from benchmarks.slides import make_cohort
from benchmarks.teachers import CNNS, WITH_VIT, encoders
from shazam.config.extraction import Precision
from shazam.features.decoding import Request, SlideTiles, TileDataset, decode
from shazam.features.store import read_features
from shazam.features.stored_levels import LEVELS
from shazam.owner import START_METHOD
from shazam.slides.tiles import read_grid
from shazam.workspace import Workspace

Array = npt.NDArray[np.generic]

_BATCH = 32
_ROUNDS = 3
_EXACT, _HALF = "vit_fp32", "vit_bf16"
_PUBLISHED = "each teacher alone, decoded each time, model twice, fp32, one reader"


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
        {"published_s": published_s, "ours_s": ours_s, "n_tiles": n_tiles_of(bench.tiles)},
    )


def half_precision(bench: Bench) -> Row:
    """Two convolutional teachers and a ViT-S in bfloat16, over one slide."""
    one = replace(bench, tiles=bench.tiles.model_copy(update={"slides": bench.tiles.slides[:1]}))
    published_s = one.published_s(WITH_VIT, out="published_vit")
    exact = encoders(bench.library, WITH_VIT, Precision.FLOAT32)
    exact_s = timed(lambda: one.extract(exact, bench.empty(_EXACT)))
    half = encoders(bench.library, WITH_VIT, Precision.BFLOAT16)
    half_s = timed(lambda: one.extract(half, bench.empty(_HALF)))
    return Row(
        "3 teachers with a ViT-S, bf16",
        _PUBLISHED,
        published_s / half_s,
        Bound.AT_LEAST,
        6.0,
        {
            "published_s": published_s,
            "ours_s": half_s,
            "ours_fp32_s": exact_s,
            "fp32_ratio": published_s / exact_s,
            "n_tiles": n_tiles_of(one.tiles),
        },
    )


def half_precision_cosine(bench: Bench) -> Row:
    """How near bfloat16 features are to those of float32: the smallest cosine of any tile."""
    if not (bench.folder / _HALF).is_dir():
        half_precision(bench)
    pairs = _level_pairs(bench.folder / _EXACT, bench.folder / _HALF)
    published = _published_pairs(bench.folder / _EXACT, bench.folder / "published_vit")
    return Row(
        "cosine of bf16 features",
        "the same in fp32",
        _min_cosine(pairs),
        Bound.AT_LEAST,
        0.999,
        {"min_cosine_of_fp32_to_published": _min_cosine(published)},
    )


def reading(bench: Bench) -> Row:
    """Tiles of a wide slide by two processes, against one that reads in a loop."""
    cohort = make_cohort(bench.data, bench.folder / "wide", n_slides=1, columns=40, rows=4)
    workspace = Workspace(bench.folder / "wide_tiled")
    (tiled,) = cohort.tiled(workspace).slides
    slide = SlideTiles(cohort.folder / tiled.slide.path, workspace.path(tiled.uri))
    grid = read_grid(slide.grid_path)

    def loop() -> None:
        with openslide.OpenSlide(slide.path) as opened:
            for index in range(grid.n_tiles):
                np.asarray(read_plain(opened, grid, index))

    def by_processes() -> None:
        asked = (Request(0, start) for start in range(0, grid.n_tiles, _BATCH))
        dataset = TileDataset([slide], batch_size=_BATCH)
        for _ in decode(dataset, asked, n_readers=2, pinned=False, start_method=START_METHOD):
            pass

    loop()
    by_processes()  # starts the server that forks readers, once for a command
    loop_s, readers_s = (min(timed(work) for _ in range(_ROUNDS)) for work in (loop, by_processes))
    return Row(
        "reading tiles, 2 workers",
        "single-process read_region loop",
        loop_s / readers_s,
        Bound.AT_LEAST,
        1.7,
        {"loop_s": loop_s, "readers_s": readers_s, "n_tiles": grid.n_tiles},
    )


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
