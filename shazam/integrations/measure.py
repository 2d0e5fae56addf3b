"""Registered bundles on a locked cohort: fetched, compared to what is asked, and measured."""

from __future__ import annotations

from datetime import UTC, datetime

from shazam.cohort import load_cohort
from shazam.cohort.seen import SEEN_FILE
from shazam.config.measure import MeasureRequest
from shazam.config.tree import Config
from shazam.evaluation.measure import measure_locked
from shazam.evaluation.registered import Registered
from shazam.integrations.mlflow import MlflowModelStore
from shazam.manifests import FeatureSetManifest
from shazam.promotion import open_bundle
from shazam.promotion.evidence import pseudonyms_of, read_keyed_seen
from shazam.refs import FeatureSetRef, MeasuredRef
from shazam.training.scoring import check_asked, open_scorer
from shazam.workspace import Workspace


def measure_registered(
    request: MeasureRequest, *, feature_set: FeatureSetRef, asked: Config, workspace: Workspace
) -> MeasuredRef:
    """Measure the release, and the champion if one is named, by their bundles.

    Args:
        request: what is asked.
        feature_set: the features of the locked cohort.
        asked: the config that they were made by.
        workspace: holds the locked cohort and, perhaps, the bundles.

    Raises:
        ShazamError: as of :func:`~shazam.promotion.open_bundle`,
            :func:`~shazam.training.scoring.open_scorer` and
            :func:`~shazam.evaluation.measure.measure_locked`.
    """
    manifest = workspace.read_manifest(feature_set, FeatureSetManifest)
    cohort = load_cohort(workspace.open_ref(manifest.cohort))
    pseudonyms = pseudonyms_of(workspace)

    def registered(sha256: str, model: str) -> Registered:
        store = MlflowModelStore.of(workspace)
        opened = open_bundle(sha256, store=store, workspace=workspace)
        check_asked(opened.path("config.json"), asked, model=model)
        return Registered(
            bundle_sha256=sha256,
            seen=read_keyed_seen(opened.path(SEEN_FILE))
            .within(cohort, pseudonyms=pseudonyms)
            .whole,
            scores=open_scorer(
                *opened.model(), manifest=manifest, model=model, workspace=workspace
            ),
        )

    champion = request.champion
    return measure_locked(
        request,
        release=registered(request.bundle, "release"),
        champion=None if champion is None else registered(champion, "champion"),
        feature_set=feature_set,
        config=asked.evaluation,
        when=datetime.now(UTC),
        workspace=workspace,
    )
