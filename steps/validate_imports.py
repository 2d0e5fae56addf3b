"""Join the imports of all teachers, hold every file against its contract, freeze the versions."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.cohort import load_cohort
from shazam.config.cohort import Unit
from shazam.config.imports import MissingTeacher
from shazam.contracts import publish_contracts
from shazam.features.imports.feature_set import join_to_cohort
from shazam.integrations.contracts import (
    check_case_contract,
    check_import_contract,
    tell_warnings,
)
from shazam.integrations.versions import freeze_versions
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.manifests import ImportManifest
from shazam.refs import CohortRef, ContractsRef, FeatureSetRef, FeaturesRef
from shazam.slides import check_fraction
from shazam.training.known_cases import known_cases
from shazam.training.tile_units import TileClasses, with_tile_units
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("validate_imports"))
def validate_imports(
    cohort: CohortRef,
    features: list[FeaturesRef],
    missing_teacher: MissingTeacher,
    unit: Unit,
    max_quarantine_fraction: float,
) -> tuple[Annotated[FeatureSetRef, "feature_set"], Annotated[ContractsRef, "contracts"]]:
    """Validate imported features of all teachers and join them to the cohort."""
    with step_boundary():
        workspace = Workspace.from_environment()
        manifests = [workspace.read_manifest(ref, ImportManifest) for ref in features]
        frozen = load_cohort(workspace.open_ref(cohort))
        checked = (
            check_case_contract(frozen, workspace=workspace),
            check_import_contract(manifests, workspace=workspace),
        )
        contracts = publish_contracts(checked, workspace=workspace)
        tell_warnings(checked)
        joined = join_to_cohort(
            manifests,
            cohort=cohort,
            known=known_cases(frozen),
            missing_teacher=missing_teacher,
        )
        check_fraction(
            joined.quarantine,
            n_slides=len(joined.slides()) + len(joined.quarantine),
            max_fraction=max_quarantine_fraction,
        )
        if unit is Unit.TILE:
            joined = with_tile_units(
                joined, cohort=frozen, classes=TileClasses.of(manifests), workspace=workspace
            )
        versioned = freeze_versions(joined, slides_dir=None, workspace=workspace)
        uri, sha256 = workspace.write_manifest("validate_features", versioned)
        feature_set = FeatureSetRef(
            uri=uri,
            sha256=sha256,
            teachers=tuple(teacher.name for teacher in versioned.teachers),
            n_cases=len(versioned.case_ids()),
            n_slides=len(versioned.slides()),
            n_quarantined=len(versioned.quarantine),
        )
        return feature_set, contracts
