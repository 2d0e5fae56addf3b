"""Let the champion predict the cases of this run that it never saw."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.cohort import load_cohort
from shazam.cohort.seen import SEEN_FILE
from shazam.config.tree import Config
from shazam.evaluation.procedure import ChampionScores
from shazam.integrations.mlflow import MlflowModelStore
from shazam.integrations.zenml import cache_by_value, step_boundary
from shazam.manifests import FeatureSetManifest
from shazam.promotion import open_bundle
from shazam.promotion.evidence import pseudonyms_of, read_keyed_seen
from shazam.refs import ChampionRef, FeatureSetRef, Ref, SplitsRef
from shazam.training.champion import score_new_cases
from shazam.training.scoring import check_asked
from shazam.workspace import Workspace


@step(cache_policy=cache_by_value("score_champion"))
def score_champion(
    feature_set: FeatureSetRef, splits: SplitsRef, bundle: str, asked: Config
) -> Annotated[ChampionRef, "champion"]:
    """Score the new cases by the bundle of this digest, wherever it lies."""
    with step_boundary():
        workspace = Workspace.from_environment()
        opened = open_bundle(bundle, store=MlflowModelStore.of(workspace), workspace=workspace)
        check_asked(opened.path("config.json"), asked, model="champion")
        manifest = workspace.read_manifest(feature_set, FeatureSetManifest)
        seen = read_keyed_seen(opened.path(SEEN_FILE)).within(
            load_cohort(workspace.open_ref(manifest.cohort)), pseudonyms=pseudonyms_of(workspace)
        )
        predictions = score_new_cases(
            opened.model(),
            bundle_sha256=bundle,
            seen=seen,
            feature_set=feature_set,
            splits=splits,
            workspace=workspace,
        )
        seen_uri, seen_sha256 = workspace.write_manifest("seen", seen)
        scores = ChampionScores(
            bundle_sha256=bundle,
            predictions=predictions,
            seen=Ref(uri=seen_uri, sha256=seen_sha256),
        )
        uri, sha256 = workspace.write_manifest("score_champion", scores)
        n_cases = 0 if predictions is None else predictions.n_rows
        return ChampionRef(uri=uri, sha256=sha256, n_cases=n_cases)
