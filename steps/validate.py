"""Open every slide, set the unusable ones aside, hold the tables against their contracts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from zenml import step

from shazam.cohort import load_cohort
from shazam.config.tiling import TilingConfig
from shazam.integrations.contracts import check_cohort_contracts
from shazam.integrations.zenml import step_boundary
from shazam.progress import console_progress
from shazam.refs import CohortRef, ValidationRef
from shazam.slides import check_fraction, validate_slides
from shazam.workspace import Workspace


@step(enable_cache=False)  # contracts are checked on every run; slides seen before cost little
def validate(
    cohort: CohortRef, slides_dir: str, tiling: TilingConfig, max_quarantine_fraction: float
) -> Annotated[ValidationRef, "validation"]:
    """Validate the slides and tables of a cohort."""
    with step_boundary():
        workspace = Workspace.from_environment()
        frozen = load_cohort(workspace.open_ref(cohort))
        manifest = validate_slides(
            frozen,
            cohort_ref=cohort,
            slides_dir=Path(slides_dir),
            config=tiling,
            workspace=workspace,
            progress=lambda total: console_progress("validate", total),
        )
        data_docs_uri = check_cohort_contracts(frozen, manifest, workspace=workspace)
        check_fraction(
            manifest.quarantine, n_slides=cohort.n_slides, max_fraction=max_quarantine_fraction
        )
        uri, sha256 = workspace.write_manifest("validate", manifest)
        return ValidationRef(
            uri=uri,
            sha256=sha256,
            n_cases=len({slide.case_id for slide in manifest.slides}),
            n_slides=len(manifest.slides),
            n_quarantined=len(manifest.quarantine),
            data_docs_uri=data_docs_uri,
        )
