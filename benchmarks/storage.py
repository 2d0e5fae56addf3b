"""Rows on bytes, resume, publishing and memory."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from benchmarks.bench import Bench, timed
from benchmarks.memory import MemoryWatch
from benchmarks.rows import Bound, Row
from benchmarks.slides import make_cohort
from benchmarks.teachers import CNNS, encoders
from shazam.config.extraction import Precision
from shazam.features.extract import extract_slides
from shazam.features.store import read_attrs, read_coords, read_features, write_features
from shazam.features.stored_levels import LEVELS
from shazam.hdf5 import write_arrays
from shazam.workspace import Workspace


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
    cohort = make_cohort(bench.data, bench.folder / "more", n_slides=22, columns=2, rows=2)
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
            write_arrays(target, {**levels, "coords": np.asarray(coords)}, known)

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
    cohort = make_cohort(bench.data, bench.folder / "many", n_slides=200, columns=1, rows=1)
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
