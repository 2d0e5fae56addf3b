"""Read the cohort table, digest every slide, publish the cohort."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.cohort import write_cohort
from shazam.cohort.table import read_cases_table, read_table
from shazam.config.cohort import CohortConfig
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.progress import console_progress
from shazam.refs import CohortRef
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("ingest"))
def ingest(
    cohort: CohortConfig, source_digest: str, imported: bool
) -> Annotated[CohortRef, "cohort"]:
    """Publish the cohort; ``source_digest`` tells the cache whether table or slides changed.

    Cases whose features are ``imported`` need no slides.
    """
    with step_boundary():
        workspace = Workspace.from_environment()
        if imported:
            return write_cohort(
                read_cases_table(cohort.outcomes(), config=cohort), workspace=workspace
            )
        table, slides_dir = cohort.sources()
        return write_cohort(
            read_table(
                table,
                slides_dir=slides_dir,
                config=cohort,
                progress=lambda total: console_progress("ingest", total),
            ),
            workspace=workspace,
        )
