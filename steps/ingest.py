"""Read the cohort table, digest every slide, publish the cohort."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.cohort.ingest import ingest_cohort
from shazam.config.cohort import CohortConfig
from shazam.integrations.dvc_slides import with_slides
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.refs import CohortRef
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("ingest"))
def ingest(
    cohort: CohortConfig, source_digest: str, imported: bool
) -> Annotated[CohortRef, "cohort"]:
    """Publish the cohort; ``source_digest`` tells the cache whether table or slides changed.

    Slides by version are brought into the workspace first. Cases whose features are ``imported``
    need no slides.
    """
    with step_boundary():
        workspace = Workspace.from_environment()
        own = cohort if imported else with_slides(cohort, workspace=workspace)
        return ingest_cohort(own, imported=imported, workspace=workspace)
