"""Registered bundles on a locked cohort: fetched, compared to what is asked, and measured."""

from __future__ import annotations

from datetime import UTC, datetime

from shazam.cohort.seen import SEEN_FILE, read_seen
from shazam.config.measure import MeasureRequest
from shazam.config.tree import Config
from shazam.evaluation.measure import measure_locked
from shazam.evaluation.measured_criteria import LockedCriteria, checked_criteria
from shazam.evaluation.registered import JudgedBy, Registered, read_judged_by
from shazam.integrations.mlflow import MlflowModelStore
from shazam.manifests import FeatureSetManifest
from shazam.promotion import ModelStore, OpenedBundle, open_bundle
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

    def registered(sha256: str, model: str) -> Registered:
        store = MlflowModelStore.of(workspace)
        opened = open_bundle(sha256, store=store, workspace=workspace)
        check_asked(opened.path("config.json"), asked, model=model)
        scorer = open_scorer(*opened.model(), manifest=manifest, model=model, workspace=workspace)
        return Registered(
            bundle_sha256=sha256,
            seen=read_seen(opened.path(SEEN_FILE)).whole,
            scores=scorer,
            teachers=scorer.ensemble.manifest.teachers,
            judged_by=_judged_by(opened),
        )

    champion = request.champion
    return measure_locked(
        request,
        release=registered(request.bundle, "release"),
        champion=None if champion is None else registered(champion, "champion"),
        feature_set=feature_set,
        criteria=LockedCriteria.of(asked),
        when=datetime.now(UTC),
        workspace=workspace,
    )


def check_criteria(
    request: MeasureRequest, *, asked: Config, store: ModelStore, workspace: Workspace
) -> None:
    """Check, before features are made, that a release is judged by the criteria of its own run.

    Raises:
        ConfigError: they are other ones, or name another champion.
        ArtifactError: the bundle cannot be had, or does not say its criteria.
    """
    opened = open_bundle(request.bundle, store=store, workspace=workspace)
    checked_criteria(
        LockedCriteria.of(asked), judged_by=_judged_by(opened), champion=request.champion
    )


def _judged_by(opened: OpenedBundle) -> JudgedBy:
    return read_judged_by(opened.path("metrics.json"), config=opened.path("config.json"))
