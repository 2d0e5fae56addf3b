"""Join the teachers' features, hold every file against its contract, freeze the versions."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.cohort import Unit
from shazam.integrations.feature_validation import validated_features
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.refs import ContractsRef, FeatureSetRef, FeaturesRef, TilesRef
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("validate_features"))
def validate_features(
    tiles: TilesRef,
    features: list[FeaturesRef],
    slides_dir: str,
    unit: Unit,
    max_quarantine_fraction: float,
) -> tuple[Annotated[FeatureSetRef, "feature_set"], Annotated[ContractsRef, "contracts"]]:
    """Validate the features of all teachers and join them over the same slides."""
    with step_boundary():
        workspace = Workspace.from_environment()
        feature_set, contracts = validated_features(
            tiles,
            features,
            slides_dir=workspace.slides(slides_dir),
            unit=unit,
            max_quarantine_fraction=max_quarantine_fraction,
            workspace=workspace,
        )
        return feature_set, contracts  # ZenML sees two outputs only in a literal tuple
