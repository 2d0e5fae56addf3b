"""Compare the arms, ask the gates, write the report. Reads predictions; fits nothing."""

from __future__ import annotations

from typing import Annotated

from zenml import step
from zenml.types import HTMLString

from shazam.cohort import Splits
from shazam.config.tree import Config
from shazam.contracts import publish_contracts
from shazam.evaluation.attended import without_pixels
from shazam.evaluation.publish import publish_evaluation
from shazam.integrations.dvc_pointers import publish_pointers
from shazam.integrations.prediction_contract import check_prediction_contract
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.manifests import FeatureSetManifest
from shazam.predictions import read_predictions
from shazam.refs import (
    ChampionRef,
    ContractsRef,
    DriftRef,
    EvaluationRef,
    ExplanationsRef,
    FeatureSetRef,
    FrozenRef,
    PredictionsRef,
    ProbeRef,
    SplitsRef,
)
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("evaluate"))
def evaluate(
    feature_set: FeatureSetRef,
    splits: SplitsRef,
    predictions: list[PredictionsRef],
    probe: ProbeRef,
    explanations: ExplanationsRef,
    frozen: FrozenRef,
    champion: list[ChampionRef],
    contracts: list[ContractsRef],
    asked: Config,
    drift: DriftRef | None = None,
) -> tuple[Annotated[EvaluationRef, "evaluation"], Annotated[HTMLString, "report"]]:
    """Evaluate all arms on the same cases and folds; of a champion there is one, or none."""
    with step_boundary():
        workspace = Workspace.from_environment()
        judged = check_prediction_contract(
            {ref.arm: read_predictions(ref, workspace=workspace) for ref in predictions},
            splits=workspace.read_manifest(splits, Splits),
            workspace=workspace,
        )
        evaluation = publish_evaluation(
            feature_set,
            splits=splits,
            predictions=predictions,
            probe=probe,
            explanations=explanations,
            frozen=frozen,
            contracts=[*contracts, publish_contracts([judged], workspace=workspace)],
            config=asked,
            workspace=workspace,
            champion=champion[0] if champion else None,
            drift=drift,
        )
        publish_pointers(
            workspace.read_manifest(feature_set, FeatureSetManifest).versions,
            folder=workspace.path(evaluation.uri).parent / "versions",
        )
        report = workspace.path(evaluation.report_uri).read_text(encoding="utf-8")
        return evaluation, HTMLString(without_pixels(report))
