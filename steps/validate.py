"""Open every slide, set the unusable ones aside, hold the tables against their contracts."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.tiling import TilingConfig
from shazam.integrations.validation import validated_cohort
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.refs import CohortRef, ContractsRef, ValidationRef
from shazam.workspace import Workspace


# contracts are checked on every run, slides seen before cost little; the policy tells a plan
# whether its value is known
@step(enable_cache=False, cache_policy=cache_by_value("validate"))
def validate(
    cohort: CohortRef, slides_dir: str, tiling: TilingConfig, max_quarantine_fraction: float
) -> tuple[Annotated[ValidationRef, "validation"], Annotated[ContractsRef, "contracts"]]:
    """Validate the slides and tables of a cohort."""
    with step_boundary():
        workspace = Workspace.from_environment()
        validation, contracts = validated_cohort(
            cohort,
            slides_dir=workspace.slides(slides_dir),
            tiling=tiling,
            max_quarantine_fraction=max_quarantine_fraction,
            workspace=workspace,
        )
        return validation, contracts  # ZenML sees two outputs only in a literal tuple
