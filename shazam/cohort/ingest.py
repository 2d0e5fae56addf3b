"""Read a cohort table, digest every slide, publish the cohort."""

from __future__ import annotations

from shazam.cohort.store import write_cohort
from shazam.cohort.table import read_cases_table, read_table
from shazam.config.cohort import CohortConfig
from shazam.progress import console_progress
from shazam.refs import CohortRef
from shazam.workspace import Workspace


def ingest_cohort(config: CohortConfig, *, imported: bool, workspace: Workspace) -> CohortRef:
    """Publish the cohort of a table.

    Args:
        config: names the table, the slide folder and the columns.
        imported: features are imported, so that cases need no slides.
        workspace: where the cohort goes.

    Raises:
        CohortError: the table or a slide cannot be used; lists all mistakes.
    """
    if imported:
        return write_cohort(read_cases_table(config.outcomes(), config=config), workspace=workspace)
    table, slides_dir = config.sources()
    cohort = read_table(
        table,
        slides_dir=slides_dir,
        config=config,
        progress=lambda total: console_progress("ingest", total),
    )
    return write_cohort(cohort, workspace=workspace)
