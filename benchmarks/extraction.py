"""Extraction against the published way: speed, bytes, resume, publishing, memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console

from benchmarks.bench import Bench
from benchmarks.rows import Row
from benchmarks.slides import make_cohort
from benchmarks.speed import half_precision, half_precision_cosine, reading, three_teachers
from benchmarks.storage import bytes_on_disk, memory, publish_overhead, second_run
from benchmarks.teachers import make_library
from shazam.workspace import Workspace


def measure(data: Path, *, folder: Path, only: str | None) -> Iterator[Row]:
    """Measure every row whose name holds ``only``, and give each as it comes."""
    cohort = make_cohort(data, folder / "slides", n_slides=4, columns=4, rows=4)
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


_ROWS: dict[str, Callable[[Bench], Row]] = {
    "three teachers": three_teachers,
    "half precision": half_precision,
    "half precision, cosine": half_precision_cosine,
    "reading": reading,
    "bytes on disk": bytes_on_disk,
    "second run": second_run,
    "publish": publish_overhead,
    "memory": memory,
}
