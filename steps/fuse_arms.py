"""Fuse the single-teacher arms into the late ensemble."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.predictions import read_predictions
from shazam.refs import PredictionsRef
from shazam.training.late import fuse_late
from shazam.training.store import store_predictions
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("fuse_arms"))
def fuse_arms(predictions: list[PredictionsRef]) -> Annotated[PredictionsRef, "predictions"]:
    """Average the arms, each on the scale of its own inner-validation predictions."""
    with step_boundary():
        workspace = Workspace.from_environment()
        frames = [read_predictions(ref, workspace=workspace) for ref in predictions]
        return store_predictions(
            fuse_late(frames),
            provenance={ref.arm: ref.sha256 for ref in predictions},
            workspace=workspace,
        )
