"""Tables of cases without slide files, and what is found in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from shazam.cohort.model import Cohort
from shazam.cohort.table import read_cases_table
from shazam.config.cohort import CohortConfig
from shazam.errors import CohortError


def config(**values: object) -> CohortConfig:
    """Return the section of a made cohort."""
    return CohortConfig.model_validate({"name": "made", **values})


def read(folder: Path, content: str | bytes, *, name: str = "t.csv", **values: object) -> Cohort:
    """Write a table and read its cases."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_cases_table(path, config=config(**values))


def problems(folder: Path, content: str | bytes, **values: object) -> tuple[str, ...]:
    """Return all that is wrong with a table."""
    with pytest.raises(CohortError) as raised:
        read(folder, content, **values)  # type: ignore[arg-type]
    return raised.value.problems
