"""Rows of a benchmark: a ratio, its target, and what was measured for it."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from shazam.publish import publish_json

_PACKAGES = ("torch", "timm", "openslide-bin", "h5py")


class Bound(StrEnum):
    """Which side of its target a ratio should be on."""

    AT_LEAST = ">="
    AT_MOST = "<="


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. ``measured`` holds the figures that the ratio was made of."""

    name: str
    against: str
    ratio: float
    bound: Bound
    target: float
    measured: Mapping[str, float] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Tell whether the target is reached."""
        if self.bound is Bound.AT_LEAST:
            return self.ratio >= self.target
        return self.ratio <= self.target


def print_table(rows: Sequence[Row]) -> None:
    """Print rows as a table."""
    table = Table(title="Benchmarks", show_lines=False)
    for title in ("what", "against", "ratio", "target", "met", "measured"):
        table.add_column(title, overflow="fold")
    for row in rows:
        figures = ", ".join(f"{name} {value:.4g}" for name, value in row.measured.items())
        target = f"{row.bound} {row.target:g}"
        met = "yes" if row.met else "NO"
        table.add_row(row.name, row.against, f"{row.ratio:.3f}", target, met, figures)
    Console(width=160).print(table)


def keep_row(path: Path, row: Row) -> None:
    """Keep a row as JSON beside the others, with the machine it was measured on."""
    kept = json.loads(path.read_bytes()) if path.exists() else {}
    kept[row.name] = asdict(row) | {"met": row.met, "machine": _machine()}
    publish_json(path, kept)


def _machine() -> dict[str, object]:
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "load_1min": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    wanted = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    flags: set[str] = set()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("flags"):
            flags = set(line.split(":")[1].split())
    return f"{platform.machine()} {' '.join(name for name in wanted if name in flags)}".strip()
