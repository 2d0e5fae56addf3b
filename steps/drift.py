"""Hold the cohort against the one that the config names as its reference."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.drift import DriftConfig
from shazam.evaluation.drift_cohorts import publish_drift
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.progress import console_progress
from shazam.refs import DriftRef, FeatureSetRef
from shazam.training.case_means import read_case_means
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("drift"))
def drift(feature_set: FeatureSetRef, asked: DriftConfig) -> Annotated[DriftRef, "drift"]:
    """Compare clinical columns and mean features of all teachers; drift is told, not raised."""
    with step_boundary():
        found, told = publish_drift(
            feature_set,
            config=asked,
            read=read_case_means,
            workspace=Workspace.from_environment(),
        )
        with console_progress("drift", 1, unit="cohorts") as progress:
            progress.note(told)
            progress.advance()
        return found
