"""Measure a registered model on a locked cohort, once."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.measure import MeasureRequest
from shazam.config.tree import Config
from shazam.integrations.measure import measure_registered
from shazam.integrations.zenml import step_boundary
from shazam.refs import FeatureSetRef, MeasuredRef
from shazam.workspace import Workspace


@step(enable_cache=False)  # a use is recorded each time, and a second one is refused
def measure_locked(
    feature_set: FeatureSetRef, request: MeasureRequest, asked: Config
) -> Annotated[MeasuredRef, "measured"]:
    """Record the use, then score the release, and the champion if one is named."""
    with step_boundary():
        workspace = Workspace.from_environment()
        return measure_registered(
            request, feature_set=feature_set, asked=asked, workspace=workspace
        )
