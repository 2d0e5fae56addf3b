"""Open every slide, set the unusable ones aside, hold the tables against their contracts."""

from __future__ import annotations

from pathlib import Path

from shazam.cohort import load_cohort
from shazam.config.tiling import TilingConfig
from shazam.contracts import publish_contracts
from shazam.integrations.contracts import check_cohort_contracts, tell_warnings
from shazam.progress import console_progress
from shazam.refs import CohortRef, ContractsRef, ValidationRef
from shazam.slides import check_fraction, validate_slides
from shazam.workspace import Workspace


def validated_cohort(
    cohort: CohortRef,
    *,
    slides_dir: Path,
    tiling: TilingConfig,
    max_quarantine_fraction: float,
    workspace: Workspace,
) -> tuple[ValidationRef, ContractsRef]:
    """Validate the slides and tables of a cohort.

    Raises:
        ContractError: a critical expectation failed.
        QuarantineExceededError: too many slides were set aside.
    """
    frozen = load_cohort(workspace.open_ref(cohort))
    manifest = validate_slides(
        frozen,
        cohort_ref=cohort,
        slides_dir=slides_dir,
        config=tiling,
        workspace=workspace,
        progress=lambda total: console_progress("validate", total),
    )
    checked = check_cohort_contracts(frozen, manifest, workspace=workspace)
    contracts = publish_contracts(checked, workspace=workspace)
    tell_warnings(checked)
    check_fraction(
        manifest.quarantine, n_slides=cohort.n_slides, max_fraction=max_quarantine_fraction
    )
    uri, sha256 = workspace.write_manifest("validate", manifest)
    validation = ValidationRef(
        uri=uri,
        sha256=sha256,
        n_cases=len({slide.case_id for slide in manifest.slides}),
        n_slides=len(manifest.slides),
        n_quarantined=len(manifest.quarantine),
    )
    return validation, contracts
