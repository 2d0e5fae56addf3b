"""Fuse the single-teacher arms into LogitProd."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.config.training import TrainingConfig
from shazam.digest import digest_of
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.refs import FeatureSetRef, ModelRef, PredictionsRef, SplitsRef
from shazam.training.logit_prod import LogitProdFit, fit_logit_prod
from shazam.training.store import read_arm, store_fusion
from shazam.training.table import load_table
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("fuse_logits"))
def fuse_logits(
    feature_set: FeatureSetRef,
    splits: SplitsRef,
    predictions: list[PredictionsRef],
    models: list[ModelRef],
    training: TrainingConfig,
    ridge: float,
) -> tuple[Annotated[PredictionsRef, "predictions"], Annotated[ModelRef, "model"]]:
    """Weigh the arms' logits by their inner-validation cases."""
    with step_boundary():
        workspace = Workspace.from_environment()
        table = load_table(feature_set, splits, workspace=workspace)
        arms = [
            read_arm(own, model=model, workspace=workspace)
            for own, model in zip(predictions, models, strict=True)
        ]
        fit = LogitProdFit(table.outcomes, splits=table.splits, config=training, ridge=ridge)
        fused, model = store_fusion(
            fit_logit_prod([arm for arm, _ in arms], fit=fit),
            teachers=[teacher for _, teachers in arms for teacher in teachers],
            provenance={
                **table.provenance,
                **{ref.arm: ref.sha256 for ref in models},
                "training": digest_of(training),
                "ridge": digest_of({"ridge": ridge}),
            },
            workspace=workspace,
        )
        return fused, model  # ZenML sees two outputs only in a literal tuple
