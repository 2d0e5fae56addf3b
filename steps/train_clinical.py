"""Fit the clinical arm: what the cohort table alone can tell."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.training import TrainingConfig
from shazam.digest import digest_of
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.refs import FeatureSetRef, ModelRef, PredictionsRef, SplitsRef
from shazam.training.clinical import fit_clinical
from shazam.training.store import store_clinical
from shazam.training.table import load_table
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("train_clinical"))
def train_clinical(
    feature_set: FeatureSetRef, splits: SplitsRef, training: TrainingConfig
) -> tuple[Annotated[PredictionsRef, "predictions"], Annotated[ModelRef, "model"]]:
    """Fit a ridge model on the clinical columns of the cases that have features."""
    with step_boundary():
        workspace = Workspace.from_environment()
        table = load_table(feature_set, splits, workspace=workspace)
        result = fit_clinical(
            table.cases,
            outcomes=table.outcomes,
            splits=table.splits,
            config=training,
            kinds=table.clinical_kinds,
        )
        predictions, model = store_clinical(
            result,
            provenance={**table.provenance, "training": digest_of(training)},
            workspace=workspace,
        )
        return predictions, model  # ZenML sees two outputs only in a literal tuple
