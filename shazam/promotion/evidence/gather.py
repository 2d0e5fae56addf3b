"""What a run's verdict was made of, found again by the digests that the run is named by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pydantic import ValidationError

from shazam.cohort import load_cohort
from shazam.cohort.folds import Splits
from shazam.config.tree import Config
from shazam.digest import digest_of_file
from shazam.errors import ArtifactError
from shazam.evaluation.document import ReportDocument, RunKey
from shazam.evaluation.drift_result import Drift
from shazam.evaluation.frozen import FrozenAcceptance
from shazam.evaluation.probe import ProbeResult
from shazam.evaluation.procedure import read_champion
from shazam.evaluation.run_folder import read_document
from shazam.manifests import FeatureSetManifest
from shazam.promotion.evidence.inputs import Inputs
from shazam.refs import ChampionRef, Ref
from shazam.workspace import Manifest, Workspace


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the workspace, with the names of its cases.

    Args:
        document: what its report shows, the verdict among it.
        config: what was asked.
        features: the feature set that was judged on.
        inputs: what the verdict was made of.
    """

    document: ReportDocument
    config: Config
    features: FeatureSetManifest
    inputs: Inputs


def gather(folder: Path, *, workspace: Workspace) -> Run:
    """Return what a run's verdict was made of, each file compared to its digest.

    Args:
        folder: of the run.
        workspace: where its manifests lie.

    Raises:
        ArtifactError: a file is missing or altered.
    """
    document = read_document(folder)
    key = document.key
    config = _document(folder / "config.json", Config, sha256=key.config)
    features = _manifest("validate_features", key.feature_set, FeatureSetManifest, of=workspace)
    arms = [arm.arm for arm in document.result.arms]
    paths = {arm: folder / "predictions" / f"{arm}.parquet" for arm in arms}
    frozen = _frozen(key, workspace=workspace)
    inputs = Inputs(
        predictions={arm: _table(path, key=key) for arm, path in paths.items()},
        cohort=load_cohort(workspace.open_ref(features.cohort)),
        splits=_document(folder / "splits.json", Splits, sha256=key.splits),
        teachers=tuple(t for t in features.teachers if t.name in config.judged_encoders()),
        probe=_manifest("probe", key.probe, ProbeResult, of=workspace),
        acceptance=config.acceptance,
        config=config.evaluation,
        power=None if frozen is None else frozen.power,
        earlier=() if frozen is None else frozen.earlier,
        drift=None if key.drift is None else _manifest("drift", key.drift, Drift, of=workspace),
    )
    champion = set(key.predictions) - {digest_of_file(path) for path in paths.values()}
    if len(champion) > 1:
        raise ArtifactError(f"{folder}: holds not all predictions of its run; run it again")
    for sha256 in champion:
        uri = f"manifests/score_champion/{sha256}.json"
        scored = read_champion(ChampionRef(uri=uri, sha256=sha256, n_cases=0), workspace=workspace)
        inputs = inputs.beside(scored)
    return Run(document=document, config=config, features=features, inputs=inputs)


def _frozen(key: RunKey, *, workspace: Workspace) -> FrozenAcceptance | None:
    if key.frozen is None:
        return None
    return _manifest("freeze", key.frozen, FrozenAcceptance, of=workspace)


def _manifest(stage: str, sha256: str, kind: type[Manifest], *, of: Workspace) -> Manifest:
    return of.read_manifest(Ref(uri=f"manifests/{stage}/{sha256}.json", sha256=sha256), kind)


def _document(path: Path, kind: type[Manifest], *, sha256: str) -> Manifest:
    if not path.is_file() or digest_of_file(path) != sha256:
        raise ArtifactError(f"{path}: missing or altered; run again with --no-cache")
    try:
        return kind.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ArtifactError(f"{path}: not of the form that is known here: {error}") from error


def _table(path: Path, *, key: RunKey) -> pd.DataFrame:
    if not path.is_file() or digest_of_file(path) not in key.predictions:
        raise ArtifactError(f"{path}: missing or altered; run again with --no-cache")
    return pd.read_parquet(path)
