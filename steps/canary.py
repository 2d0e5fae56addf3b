"""Refit the cheap arm on permuted outcomes: what no feature can predict must score as chance."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.training import TrainingConfig
from shazam.digest import digest_of
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.progress import console_progress
from shazam.refs import FeatureSetRef, PredictionsRef, SplitsRef
from shazam.training.canary import fit_canary
from shazam.training.inputs import load_inputs
from shazam.training.store import store_predictions
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("canary"))
def canary(
    feature_set: FeatureSetRef,
    splits: SplitsRef,
    teacher: str,
    training: TrainingConfig,
    permutations: int,
) -> Annotated[PredictionsRef, "predictions"]:
    """Fit the mean-pool arm of one teacher on permutations among all cases and within sites."""
    with step_boundary():
        workspace = Workspace.from_environment()
        inputs = load_inputs(
            feature_set, splits, workspace=workspace, teachers=[teacher], levels=["high"]
        )
        frame = fit_canary(
            teacher=teacher,
            study=inputs.study,
            config=training,
            permutations=permutations,
            progress=lambda total: console_progress("canary", total, unit="fits"),
            sites=inputs.sites,
        )
        return store_predictions(
            frame,
            provenance={**inputs.provenance, "training": digest_of(training)},
            workspace=workspace,
        )
