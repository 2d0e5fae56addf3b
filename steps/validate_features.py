"""Join the teachers' features, hold every file against its contract, freeze the versions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from zenml import step

from shazam.cohort import load_cohort
from shazam.config.cohort import Unit
from shazam.features.feature_set import join_features
from shazam.integrations.contracts import check_feature_contract
from shazam.integrations.versions import freeze_versions
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.manifests import ExtractionManifest, TilesManifest
from shazam.refs import FeatureSetRef, FeaturesRef, TilesRef
from shazam.slides import check_fraction
from shazam.training.tile_units import TileClasses, with_tile_units
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("validate_features"))
def validate_features(
    tiles: TilesRef,
    features: list[FeaturesRef],
    slides_dir: str,
    unit: Unit,
    max_quarantine_fraction: float,
) -> Annotated[FeatureSetRef, "feature_set"]:
    """Validate the features of all teachers and join them over the same slides."""
    with step_boundary():
        workspace = Workspace.from_environment()
        tiled = workspace.read_manifest(tiles, TilesManifest)
        parts = [workspace.read_manifest(ref, ExtractionManifest) for ref in features]
        joined = join_features(tiled, [manifest for part in parts for manifest in part.features])
        data_docs_uri = check_feature_contract(joined, tiled, workspace=workspace)
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
        frozen = freeze_versions(joined, slides_dir=Path(slides_dir), workspace=workspace)
        uri, sha256 = workspace.write_manifest("validate_features", frozen)
        return FeatureSetRef(
            uri=uri,
            sha256=sha256,
            teachers=tuple(teacher.name for teacher in frozen.teachers),
            n_cases=len(frozen.case_ids()),
            n_slides=len(frozen.features[0]),
            n_quarantined=len(frozen.quarantine),
            data_docs_uri=data_docs_uri,
        )
