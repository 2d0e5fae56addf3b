"""Registered bundles on a locked cohort: fetched, compared to what is asked, and measured."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from shazam.cohort import load_cohort
from shazam.cohort.locked import LockedCohort, locked_cohort, read_record
from shazam.cohort.locked_uses import Use, uses_of
from shazam.cohort.model import Cohort
from shazam.cohort.seen import SEEN_FILE, Seen
from shazam.config.measure import MeasureRequest
from shazam.config.tree import Config
from shazam.digest import digest_of_file
from shazam.errors import ArtifactError
from shazam.evaluation.measure import measure_locked
from shazam.evaluation.measured import Measured, measured_of, read_table, table_path
from shazam.evaluation.measured_again import recompute_measured
from shazam.evaluation.measured_criteria import LockedCriteria, checked_criteria
from shazam.evaluation.measured_tables import ScoredModel
from shazam.evaluation.measured_verdict import Occasion
from shazam.evaluation.registered import JudgedBy, Registered, read_judged_by
from shazam.integrations.mlflow import MlflowModelStore
from shazam.manifests import FeatureSetManifest
from shazam.models.bundle import load_ensemble
from shazam.promotion import ModelStore, OpenedBundle, open_bundle
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

    def registered(sha256: str, model: str) -> Registered:
        store = MlflowModelStore.of(workspace)
        opened = open_bundle(sha256, store=store, workspace=workspace)
        check_asked(opened.path("config.json"), asked, model=model)
        scorer = open_scorer(*opened.model(), manifest=manifest, model=model, workspace=workspace)
        return Registered(
            bundle_sha256=sha256,
            seen=_seen(opened, cohort=cohort, workspace=workspace),
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


def recompute_registered(
    name: str, *, number: int, store: ModelStore, workspace: Workspace
) -> Measured:
    """Compute the result of a use again, from what it should follow from, and compare.

    Read are the record of uses, the locked cohort, the bundles and the published predictions. Of
    the result itself only the list of quarantined slides, which no gate reads, and the digest of
    the features are taken over.

    Args:
        name: of the locked cohort.
        number: of the use.
        store: holds the bundles that the workspace lacks.
        workspace: holds the locked cohort.

    Raises:
        ArtifactError: there is no such result, anything differs, or a file is missing or altered.
        LeakError: a model was trained on a locked case, slide content or promised site.
        ConfigError: the criteria are not those of the release's own run.
    """
    measured, use = _result(name, number=number, workspace=workspace)
    bundles = {"release": use.bundle_sha256}
    if measured.champion is not None:
        bundles["champion"] = measured.champion.bundle_sha256
    opened = {
        model: open_bundle(sha256, store=store, workspace=workspace)
        for model, sha256 in bundles.items()
    }
    criteria = checked_criteria(
        measured.criteria,
        judged_by=_judged_by(opened["release"]),
        champion=bundles.get("champion"),
    )
    record = locked_cohort(name, workspace=workspace)
    cohort = _cohort(record, workspace=workspace)
    occasion = Occasion(
        locked=name,
        promised_sites=record.sites,
        cohort=cohort,
        use=use,
        criteria=criteria,
        feature_set_sha256=measured.feature_set_sha256,
        quarantine=measured.quarantine,
    )
    models = {
        model: _stored(
            bundle,
            seen=_seen(bundle, cohort=cohort, workspace=workspace),
            path=table_path(name, number=number, model=model, workspace=workspace),
        )
        for model, bundle in opened.items()
    }
    return recompute_measured(measured, occasion=occasion, models=models)


def _result(name: str, *, number: int, workspace: Workspace) -> tuple[Measured, Use]:
    use = {one.number: one for one in uses_of(name, workspace=workspace)}.get(number)
    path = None if use is None else measured_of(name, use, workspace=workspace)
    if use is None or path is None:
        raise ArtifactError(f"locked cohort '{name}': use {number} has no result in this workspace")
    return read_record(path, Measured), use


def _cohort(record: LockedCohort, *, workspace: Workspace) -> Cohort:
    sha256 = record.cohort_sha256
    cohort = load_cohort(workspace.path(f"cohorts/{sha256}/cohort.parquet"))
    if cohort.digest != sha256:
        raise ArtifactError(f"cohorts/{sha256}: holds the cohort {cohort.digest}; restore it")
    return cohort


def _seen(opened: OpenedBundle, *, cohort: Cohort, workspace: Workspace) -> Seen:
    """Return what a bundle's members were trained on, by the names of a cohort."""
    keyed = read_keyed_seen(opened.path(SEEN_FILE))
    return keyed.within(cohort, pseudonyms=pseudonyms_of(workspace)).whole


def _stored(opened: OpenedBundle, *, seen: Seen, path: Path) -> ScoredModel:
    described = load_ensemble(*opened.model()).manifest
    sha256 = digest_of_file(path) if path.is_file() else ""
    return ScoredModel(
        bundle_sha256=opened.sha256,
        arm=described.arm,
        seen=seen,
        teachers=described.teachers,
        table=read_table(path, sha256=sha256),
        table_sha256=sha256,
    )


def _judged_by(opened: OpenedBundle) -> JudgedBy:
    return read_judged_by(opened.path("metrics.json"), config=opened.path("config.json"))
