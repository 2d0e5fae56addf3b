"""Frozen acceptance: what is altered between freezing and evaluation is refused."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from shazam.cohort.store import write_cohort
from shazam.config.acceptance import AcceptanceConfig
from shazam.digest import digest_of
from shazam.errors import ArtifactError, ConfigError, ExitCode
from shazam.evaluation.frozen import earlier_acceptances, freeze_acceptance, read_frozen
from shazam.manifests import FeatureSetManifest, SlideFeatures
from shazam.refs import FeatureSetRef, FrozenRef, SplitsRef
from shazam.workspace import Workspace
from tests.evaluation import made

COHORT, _ = made.survival_cohort()
ASKED = AcceptanceConfig(margin=0.1)


@dataclass(frozen=True)
class Run:
    workspace: Workspace
    feature_set: FeatureSetRef
    splits: SplitsRef

    def freeze(self, acceptance: AcceptanceConfig = ASKED) -> FrozenRef:
        return freeze_acceptance(
            self.feature_set,
            splits=self.splits,
            acceptance=acceptance,
            workspace=self.workspace,
        )[0]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    workspace = Workspace(tmp_path)
    cohort = write_cohort(COHORT, workspace=workspace)
    entries = tuple(
        SlideFeatures(
            slide_id=slide.slide_id,
            case_id=slide.case_id,
            key="0" * 64,
            uri="none",
            sha256="0" * 64,
            n_tiles=1,
            tiles_key="0" * 64,
        )
        for slide in COHORT.slides
    )
    manifest = FeatureSetManifest(
        cohort=cohort, teachers=(made.teacher(),), features=(entries,), quarantine=(), versions=()
    )
    uri, sha256 = workspace.write_manifest("validate_features", manifest)
    feature_set = FeatureSetRef(
        uri=uri,
        sha256=sha256,
        teachers=("lite0",),
        n_cases=72,
        n_slides=len(entries),
        n_quarantined=0,
        data_docs_uri="",
    )
    return Run(workspace, feature_set, splits_ref(workspace, n_folds=3))


def splits_ref(workspace: Workspace, *, n_folds: int) -> SplitsRef:
    uri, sha256 = workspace.write_manifest("split", made.splits_of(COHORT, n_folds=n_folds))
    return SplitsRef(uri=uri, sha256=sha256, n_folds=n_folds)


def test_what_was_frozen_is_read_back_with_its_power(run: Run) -> None:
    frozen = run.freeze()
    assert frozen.acceptance_sha256 == digest_of(ASKED)
    assert run.freeze() == frozen
    found = read_frozen(frozen, acceptance=ASKED, splits=run.splits, workspace=run.workspace)
    assert (found.acceptance, found.splits_sha256) == (ASKED, run.splits.sha256)
    assert found.power.required_difference == -0.1


def test_an_acceptance_file_that_was_altered_in_between_is_refused(run: Run) -> None:
    frozen = run.freeze()
    eased = ASKED.model_copy(update={"floor": 0.4})
    with pytest.raises(ConfigError, match="acceptance file changed") as refused:
        read_frozen(frozen, acceptance=eased, splits=run.splits, workspace=run.workspace)
    assert refused.value.exit_code == ExitCode.CONFIGURATION == 45
    assert digest_of(ASKED) in str(refused.value)
    assert digest_of(eased) in str(refused.value)


def test_criteria_that_were_frozen_before_for_the_same_folds_are_told(run: Run) -> None:
    first = run.freeze()
    assert earlier_acceptances(first, workspace=run.workspace) == ()
    second = run.freeze(AcceptanceConfig(margin=0.2))
    assert earlier_acceptances(second, workspace=run.workspace) == (digest_of(ASKED),)
    other = Run(run.workspace, run.feature_set, splits_ref(run.workspace, n_folds=2))
    assert earlier_acceptances(other.freeze(), workspace=run.workspace) == ()


def test_other_folds_than_those_that_were_frozen_are_refused(run: Run) -> None:
    other = splits_ref(run.workspace, n_folds=2)
    with pytest.raises(ConfigError, match="folds changed"):
        read_frozen(run.freeze(), acceptance=ASKED, splits=other, workspace=run.workspace)


def test_a_frozen_file_that_was_edited_is_refused(run: Run) -> None:
    frozen = run.freeze()
    path = run.workspace.path(frozen.uri)
    path.write_bytes(path.read_bytes().replace(b'"floor":0.5', b'"floor":0.1'))
    with pytest.raises(ArtifactError, match="altered since"):
        read_frozen(frozen, acceptance=ASKED, splits=run.splits, workspace=run.workspace)
    forged = run.freeze(AcceptanceConfig(margin=0.2)).model_copy(
        update={"acceptance_sha256": digest_of(ASKED)}
    )
    with pytest.raises(ConfigError, match="acceptance file changed"):
        read_frozen(forged, acceptance=ASKED, splits=run.splits, workspace=run.workspace)
