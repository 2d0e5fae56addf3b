"""Seconds that a contract on many feature files takes, Data Docs and result included."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from benchmarks.bench import timed
from benchmarks.rows import Bound, Row
from shazam.integrations.expectations import check_contract
from shazam.workspace import Workspace

NAME = "contract: features, seconds"
_N_SLIDES, _N_TEACHERS = 2000, 5
_MOST_S = 10.0


def measure(*, only: str | None) -> Iterator[Row]:
    """Hold 10,000 rows against the suite of features."""
    if only is not None and only not in NAME:
        return
    table = feature_table(n_slides=_N_SLIDES, n_teachers=_N_TEACHERS)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        label = ("slide_id", "teacher")
        first_s = timed(
            lambda: check_contract("features", table.head(10), workspace=workspace, label=label)
        )
        whole_s = timed(lambda: check_contract("features", table, workspace=workspace, label=label))
    yield Row(
        NAME,
        f"{len(table)} rows of {_N_SLIDES} slides and {_N_TEACHERS} teachers",
        first_s + whole_s,
        Bound.AT_MOST,
        _MOST_S,
        {"ten rows, imports included": first_s, "all rows": whole_s},
    )


def feature_table(*, n_slides: int, n_teachers: int) -> pd.DataFrame:
    """Return the rows of sound feature files."""
    rows = [
        {
            "slide_id": f"slide-{slide:05}",
            "teacher": f"teacher-{teacher}",
            "n_tiles": 500 + slide,
            "n_coords": 500 + slide,
            "coords_equal": True,
            "n_not_finite": 0,
            "std": 0.1 + teacher,
            "error": "",
            **_pair("dims", "1024/1024/1024"),
            **_pair("dtype", "float16"),
            **_pair("sha256", f"{slide:064x}"),
            **_pair("weights_sha256", f"{teacher:064x}"),
            **_pair("transform_sha256", f"{teacher:064x}"),
            **_pair("revision", "1"),
            **_pair("mpp", 0.25),
            **_pair("tiles_key", f"{slide:064x}"),
        }
        for slide in range(n_slides)
        for teacher in range(n_teachers)
    ]
    return pd.DataFrame(rows)


def _pair(name: str, value: object) -> dict[str, object]:
    return {name: value, f"{name}_expected": value}
