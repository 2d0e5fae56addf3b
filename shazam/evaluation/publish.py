"""Evaluate from refs and publish the run's folder: ``runs/<digest>/``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

from shazam.cohort import Splits, load_cohort
from shazam.config.imports import MissingValues
from shazam.config.tree import Config
from shazam.digest import digest_of
from shazam.evaluation.evaluate import evaluate
from shazam.evaluation.frozen import read_frozen
from shazam.evaluation.probe import ProbeResult
from shazam.evaluation.report import ReportContext, render_report
from shazam.manifests import FeatureSetManifest
from shazam.predictions import read_predictions
from shazam.publish import publish_bytes, publish_json, publish_link
from shazam.refs import EvaluationRef, FeatureSetRef, FrozenRef, PredictionsRef, ProbeRef, SplitsRef
from shazam.workspace import Workspace

CONTACT_SHEET = "contact_sheet.jpg"
_PACKAGES = (
    "shazam",
    "torch",
    "timm",
    "openslide-bin",
    "openslide-python",
    "scikit-learn",
    "scikit-survival",
    "numpy",
)


@dataclass(frozen=True, slots=True)
class RunKey:
    """What a run's folder is named by."""

    feature_set: str
    splits: str
    predictions: tuple[str, ...]
    probe: str
    config: str


def publish_evaluation(
    feature_set: FeatureSetRef,
    *,
    splits: SplitsRef,
    predictions: Sequence[PredictionsRef],
    probe: ProbeRef,
    frozen: FrozenRef,
    config: Config,
    workspace: Workspace,
) -> EvaluationRef:
    """Evaluate all arms and publish metrics, report, splits and predictions in one folder.

    Raises:
        ConfigError: the acceptance file is not the one that was frozen.
        ArtifactError: a file of the workspace is missing or altered.
        LeakError: a case, site or slide stands in two parts of a split.
    """
    before = read_frozen(frozen, acceptance=config.acceptance, splits=splits, workspace=workspace)
    manifest = workspace.read_manifest(feature_set, FeatureSetManifest)
    frames = {ref.arm: read_predictions(ref, workspace=workspace) for ref in predictions}
    cohort = load_cohort(workspace.open_ref(manifest.cohort))
    folds = workspace.read_manifest(splits, Splits)
    result = evaluate(
        frames,
        cohort=cohort,
        splits=folds,
        teachers=[t for t in manifest.teachers if t.name in config.teachers()],
        probe=workspace.read_manifest(probe, ProbeResult),
        acceptance=config.acceptance,
        config=config.evaluation,
        power=before.power,
    )
    key = RunKey(
        feature_set=feature_set.sha256,
        splits=splits.sha256,
        predictions=tuple(sorted(ref.sha256 for ref in predictions)),
        probe=probe.sha256,
        config=digest_of(config),
    )
    folder = workspace.root / "runs" / digest_of(key)
    publish_link(folder / "splits.json", workspace.path(splits.uri))
    publish_json(folder / "config.json", config)
    for ref in predictions:
        publish_link(folder / "predictions" / f"{ref.arm}.parquet", workspace.path(ref.uri))
    if manifest.contact_sheet is not None:
        sheet = workspace.open(manifest.contact_sheet.uri, manifest.contact_sheet.sha256)
        publish_link(folder / CONTACT_SHEET, sheet)
    report = render_report(result, context=_context(manifest, key=key, config=config))
    publish_bytes(folder / "report.html", report.encode())
    sha256 = publish_json(folder / "metrics.json", result)
    return EvaluationRef(
        uri=workspace.uri(folder / "metrics.json"),
        sha256=sha256,
        passed=result.passed,
        report_uri=workspace.uri(folder / "report.html"),
    )


def _context(manifest: FeatureSetManifest, *, key: RunKey, config: Config) -> ReportContext:
    data = ((f"{item.path} (DVC, MD5)", item.md5) for item in manifest.versions)
    return ReportContext(
        title=config.cohort.name,
        config=config,
        quarantine=manifest.quarantine,
        teachers=manifest.teachers,
        lacking=manifest.lacking(),
        impute=manifest.missing_values is MissingValues.IMPUTE,
        contact_sheet=None if manifest.contact_sheet is None else CONTACT_SHEET,
        digests=(
            ("feature set", key.feature_set),
            ("probe", key.probe),
            *data,
        ),
        versions=tuple((name, version(name)) for name in _PACKAGES),
    )
