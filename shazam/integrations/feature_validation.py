"""Join the teachers' features, hold every file against its contract, freeze the versions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shazam.cohort import load_cohort
from shazam.config.cohort import Unit
from shazam.contracts import publish_contracts
from shazam.features.feature_set import join_features
from shazam.integrations.contracts import check_feature_contracts, tell_warnings
from shazam.integrations.versions import freeze_versions
from shazam.manifests import ExtractionManifest, TilesManifest
from shazam.refs import ContractsRef, FeatureSetRef, FeaturesRef, TilesRef
from shazam.slides import check_fraction
from shazam.training.tile_units import TileClasses, with_tile_units
from shazam.workspace import Workspace


def validated_features(
    tiles: TilesRef,
    features: Sequence[FeaturesRef],
    *,
    slides_dir: Path,
    unit: Unit,
    max_quarantine_fraction: float,
    workspace: Workspace,
) -> tuple[FeatureSetRef, ContractsRef]:
    """Validate the features of all teachers and join them over the same slides.

    Raises:
        ContractError: a critical expectation failed.
        QuarantineExceededError: too many slides were set aside.
    """
    tiled = workspace.read_manifest(tiles, TilesManifest)
    parts = [workspace.read_manifest(ref, ExtractionManifest) for ref in features]
    joined = join_features(tiled, [manifest for part in parts for manifest in part.features])
    checked = check_feature_contracts(joined, tiled, workspace=workspace)
    contracts = publish_contracts(checked, workspace=workspace)
    tell_warnings(checked)
    check_fraction(
        joined.quarantine,
        n_slides=joined.cohort.n_slides,
        max_fraction=max_quarantine_fraction,
    )
    if unit is Unit.TILE:
        joined = with_tile_units(
            joined,
            cohort=load_cohort(workspace.open_ref(joined.cohort)),
            classes=TileClasses(),
            workspace=workspace,
        )
    frozen = freeze_versions(joined, slides_dir=slides_dir, workspace=workspace)
    uri, sha256 = workspace.write_manifest("validate_features", frozen)
    feature_set = FeatureSetRef(
        uri=uri,
        sha256=sha256,
        teachers=tuple(teacher.name for teacher in frozen.teachers),
        n_cases=len(frozen.case_ids()),
        n_slides=len(frozen.features[0]),
        n_quarantined=len(frozen.quarantine),
    )
    return feature_set, contracts
