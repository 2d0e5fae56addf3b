"""Import the features that another tool made under one teacher."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.cohort import load_cohort
from shazam.config.imports import ImportsConfig
from shazam.features.imports.planned import planned_import
from shazam.features.imports.publish import publish_import
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.refs import CohortRef, FeaturesRef
from shazam.training.known_cases import known_cases
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("import_features"))
def import_features(
    cohort: CohortRef, imports: ImportsConfig, source_digest: str, max_quarantine_fraction: float
) -> Annotated[FeaturesRef, "features"]:
    """Import one teacher; ``source_digest`` tells the cache whether its files changed."""
    with step_boundary():
        (teacher,) = imports.teachers
        workspace = Workspace.from_environment()
        frozen = load_cohort(workspace.open_ref(cohort))
        planned = planned_import(teacher, imports=imports)
        planned.check_unchanged(source_digest)
        return publish_import(
            planned,
            known=known_cases(frozen),
            max_quarantine_fraction=max_quarantine_fraction,
            workspace=workspace,
        )
