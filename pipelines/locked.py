"""The pipeline that measures a registered model on a locked cohort; it trains nothing."""

from __future__ import annotations

from zenml import pipeline

from pipelines.training import extracted_features, imported_features
from shazam.config.measure import MeasureRequest
from shazam.config.tree import Config
from steps.measure_locked import measure_locked


@pipeline(name="locked")
def measuring(
    config: Config, source_digest: str, identities: dict[str, str], request: MeasureRequest
) -> None:
    """From the slides or features of a locked cohort to what one use of it measured.

    Args:
        config: the resolved config, whose cohort is the locked one.
        source_digest: digest of the cohort table and of the slide folder's listing, if any.
        identities: digest of each teacher's identity, or of its files to import, by name.
        request: what is measured.
    """
    of_features = extracted_features if config.imports is None else imported_features
    feature_set, _ = of_features(config, source_digest, identities)
    measure_locked(feature_set, request, config.asked())
