"""The cohort that `shazam locked add` locks: a file of a workspace, or read from a config."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shazam.cohort.model import Cohort
from shazam.cohort.store import load_cohort, write_cohort
from shazam.cohort.table import read_cases_table, read_table
from shazam.config import load_config
from shazam.config.cohort import Unit
from shazam.errors import ConfigError
from shazam.progress import console_progress
from shazam.workspace import Workspace


def cohort_to_lock(
    file: Path | None, *, config: Path | None, overrides: Sequence[str], workspace: Workspace
) -> Cohort:
    """Return the cohort of a file, or that of a config, which is published as a run does.

    Raises:
        ConfigError: both are given, or none; the table is wrong; or the cases are tiles, which
            only their features tell.
        ArtifactError: the file is no cohort.
    """
    if file is not None and config is None:
        return load_cohort(file)
    if config is None or file is not None:
        raise ConfigError("give exactly one of --cohort and --config")
    section = load_config(config, overrides=overrides).config
    if section.cohort.unit is Unit.TILE:
        raise ConfigError("tiles are known by their features: lock the cohorts/<digest> of them")
    if section.imports is not None:
        cohort = read_cases_table(section.cohort.outcomes(), config=section.cohort)
    else:
        table, slides_dir = section.cohort.sources()
        cohort = read_table(
            table,
            slides_dir=slides_dir,
            config=section.cohort,
            progress=lambda total: console_progress("hash slides", total),
        )
    write_cohort(cohort, workspace=workspace)
    return cohort
