"""Evaluate from refs and publish the run's folder: ``runs/<digest>/``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shazam.cohort import Splits, load_cohort
from shazam.cohort.model import Cohort
from shazam.config.criteria import Criteria
from shazam.config.tree import Config
from shazam.contracts import Contracts
from shazam.digest import digest_of
from shazam.evaluation.attended import link_pictures
from shazam.evaluation.context import CONTACT_SHEET, context_of
from shazam.evaluation.document import ReportDocument, RunKey
from shazam.evaluation.drift_result import Drift
from shazam.evaluation.evaluate import evaluate
from shazam.evaluation.frozen import read_frozen
from shazam.evaluation.probe import ProbeResult
from shazam.evaluation.procedure import read_champion
from shazam.evaluation.result import EvaluationResult
from shazam.evaluation.run_folder import METRICS, REPORT, publish_pages
from shazam.explanations import Explanations
from shazam.manifests import FeatureSetManifest
from shazam.predictions import read_predictions
from shazam.publish import publish_json, publish_link
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


def publish_evaluation(
    feature_set: FeatureSetRef,
    *,
    splits: SplitsRef,
    predictions: Sequence[PredictionsRef],
    probe: ProbeRef,
    explanations: ExplanationsRef,
    frozen: FrozenRef,
    contracts: Sequence[ContractsRef],
    config: Config,
    workspace: Workspace,
    champion: ChampionRef | None = None,
    drift: DriftRef | None = None,
) -> EvaluationRef:
    """Evaluate all arms and publish metrics, report, splits and predictions in one folder.

    Raises:
        ConfigError: the criteria are not those that were frozen.
        ArtifactError: a file of the workspace is missing or altered.
        LeakError: a case, site or slide stands in two parts of a split.
    """
    named = _Named(
        feature_set=feature_set,
        splits=splits,
        predictions=predictions,
        probe=probe,
        explanations=explanations,
        frozen=frozen,
        contracts=contracts,
        champion=champion,
        drift=drift,
    )
    opened = _Opened.of(named, workspace=workspace)
    result = _evaluated(named, opened=opened, config=config, workspace=workspace)
    key = named.key(config)
    folder = workspace.root / "runs" / digest_of(key)
    publish_json(folder / "config.json", config)
    _link_files(
        folder, splits=splits, predictions=predictions, manifest=opened.manifest, of=workspace
    )
    context = context_of(
        opened.manifest,
        cohort=opened.cohort,
        splits=opened.folds,
        explanations=workspace.read_manifest(explanations, Explanations),
        contracts=[workspace.read_manifest(ref, Contracts) for ref in contracts],
        key=key,
        config=config,
    )
    document = ReportDocument(key=key, result=result, context=context)
    return _publish_verdict(document, folder=folder, workspace=workspace)


@dataclass(frozen=True, slots=True)
class _Named:
    """The refs of all that an evaluation reads."""

    feature_set: FeatureSetRef
    splits: SplitsRef
    predictions: Sequence[PredictionsRef]
    probe: ProbeRef
    explanations: ExplanationsRef
    frozen: FrozenRef
    contracts: Sequence[ContractsRef]
    champion: ChampionRef | None
    drift: DriftRef | None

    def key(self, config: Config) -> RunKey:
        """Return what the name of the run's folder is a digest of."""
        return RunKey(
            feature_set=self.feature_set.sha256,
            splits=self.splits.sha256,
            predictions=_digests(self.predictions, champion=self.champion),
            probe=self.probe.sha256,
            explanations=self.explanations.sha256,
            contracts=tuple(ref.sha256 for ref in self.contracts),
            drift=None if self.drift is None else self.drift.sha256,
            config=digest_of(config),
            frozen=self.frozen.sha256,
        )


@dataclass(frozen=True, slots=True)
class _Opened:
    """The cases that are judged, their features' manifest and their folds."""

    manifest: FeatureSetManifest
    cohort: Cohort
    folds: Splits

    @classmethod
    def of(cls, named: _Named, *, workspace: Workspace) -> _Opened:
        manifest = workspace.read_manifest(named.feature_set, FeatureSetManifest)
        return cls(
            manifest=manifest,
            cohort=load_cohort(workspace.open_ref(manifest.cohort)),
            folds=workspace.read_manifest(named.splits, Splits),
        )


def _evaluated(
    named: _Named, *, opened: _Opened, config: Config, workspace: Workspace
) -> EvaluationResult:
    """Evaluate by the criteria that were frozen, once they were found to be those of the config."""
    before = read_frozen(
        named.frozen, criteria=Criteria.of(config), splits=named.splits, workspace=workspace
    )
    encoders = config.judged_encoders()
    champion, drift = named.champion, named.drift
    return evaluate(
        {ref.arm: read_predictions(ref, workspace=workspace) for ref in named.predictions},
        cohort=opened.cohort,
        splits=opened.folds,
        teachers=[one for one in opened.manifest.teachers if one.name in encoders],
        probe=workspace.read_manifest(named.probe, ProbeResult),
        acceptance=config.acceptance,
        config=config.evaluation,
        power=before.power,
        champion=None if champion is None else read_champion(champion, workspace=workspace),
        earlier=before.earlier,
        drift=None if drift is None else workspace.read_manifest(drift, Drift),
    )


def _publish_verdict(
    document: ReportDocument, *, folder: Path, workspace: Workspace
) -> EvaluationRef:
    if document.context.explanations is not None:
        link_pictures(document.context.explanations, folder=folder, workspace=workspace)
    publish_pages(document, folder=folder)
    sha256 = publish_json(folder / METRICS, document.result)
    return EvaluationRef(
        uri=workspace.uri(folder / METRICS),
        sha256=sha256,
        passed=document.result.passed,
        report_uri=workspace.uri(folder / REPORT),
    )


def _link_files(
    folder: Path,
    *,
    splits: SplitsRef,
    predictions: Sequence[PredictionsRef],
    manifest: FeatureSetManifest,
    of: Workspace,
) -> None:
    publish_link(folder / "splits.json", of.path(splits.uri))
    for ref in predictions:
        publish_link(folder / "predictions" / f"{ref.arm}.parquet", of.path(ref.uri))
    if manifest.contact_sheet is not None:
        sheet = of.open(manifest.contact_sheet.uri, manifest.contact_sheet.sha256)
        publish_link(folder / CONTACT_SHEET, sheet)


def _digests(
    predictions: Sequence[PredictionsRef], *, champion: ChampionRef | None
) -> tuple[str, ...]:
    own = sorted(ref.sha256 for ref in predictions)
    return (*own, *([] if champion is None else [champion.sha256]))
