"""Fit one base arm on all teachers at once, over all folds and seeds."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.arms import JointFamily
from shazam.config.training import TrainingConfig
from shazam.digest import digest_of
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.progress import console_progress
from shazam.refs import FeatureSetRef, ModelRef, PredictionsRef, SplitsRef
from shazam.training.arms import fit_joint
from shazam.training.inputs import load_inputs
from shazam.training.store import store_arm
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("train_joint"))
def train_joint(
    feature_set: FeatureSetRef,
    splits: SplitsRef,
    family: JointFamily,
    teachers: list[str],
    training: TrainingConfig,
) -> tuple[Annotated[PredictionsRef, "predictions"], Annotated[ModelRef, "model"]]:
    """Fit a baseline on the high level of all teachers."""
    with step_boundary():
        workspace = Workspace.from_environment()
        inputs = load_inputs(
            feature_set, splits, workspace=workspace, teachers=teachers, levels=["high"]
        )
        stands_on = {"training": digest_of(training)}
        with inputs.executed(family, stage="train_joint", provenance=stands_on) as execution:
            result = fit_joint(
                family,
                teachers=teachers,
                study=inputs.study,
                config=training,
                execution=execution,
                progress=lambda total: console_progress(family, total, unit="fits"),
            )
            predictions, model = store_arm(
                result, inputs=inputs, provenance=stands_on, workspace=workspace
            )
        return predictions, model  # ZenML sees two outputs only in a literal tuple
