"""Frozen acceptance: what is altered between freezing and evaluation is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydantic import BaseModel

from shazam.cohort.store import write_cohort
from shazam.config.acceptance import AcceptanceConfig
from shazam.config.criteria import CanaryRefits, Criteria
from shazam.config.evaluation import EvaluationConfig
from shazam.config.load import load_config
from shazam.digest import digest_of
from shazam.errors import ArtifactError, ConfigError, ExitCode
from shazam.evaluation.earlier import earlier_sentence
from shazam.evaluation.frozen import FrozenAcceptance, freeze_acceptance, read_frozen
from shazam.manifests import FeatureSetManifest, SlideFeatures
from shazam.refs import FeatureSetRef, FrozenRef, SplitsRef
from shazam.workspace import Workspace
from tests.evaluation import made

CONFIG = Path(__file__).parents[2] / "configs" / "demo.yaml"
COHORT, _ = made.survival_cohort()
ASKED = Criteria(
    acceptance=AcceptanceConfig(margin=0.1),
    evaluation=EvaluationConfig(),
    canary=CanaryRefits(canary_permutations=20, canary_candidate_permutations=5),
    arms=("fusion_student_v2", "late_ensemble"),
)
EASED = {
    "acceptance": AcceptanceConfig(margin=0.1, floor=0.4),
    "evaluation": EvaluationConfig(subgroup_min_cases=70),
    "canary": CanaryRefits(canary_permutations=20, canary_candidate_permutations=2),
    "arms": ("abmil.lite0", "fusion_student_v2", "late_ensemble"),
}
TOLD = {
    "acceptance": "acceptance file",
    "evaluation": "section 'evaluation'",
    "canary": "number of the canary's permutations",
    "arms": "list of arms",
}


class Old(BaseModel):
    """What an earlier version froze, as far as it is read."""

    acceptance_sha256: str = "a" * 64
    splits_sha256: str


def eased(part: str) -> Criteria:
    return ASKED.model_copy(update={part: EASED[part]})


@dataclass(frozen=True)
class Run:
    workspace: Workspace
    feature_set: FeatureSetRef
    splits: SplitsRef

    def freeze(self, criteria: Criteria = ASKED) -> FrozenRef:
        return self.frozen(criteria)[0]

    def frozen(self, criteria: Criteria = ASKED) -> tuple[FrozenRef, FrozenAcceptance]:
        return freeze_acceptance(
            self.feature_set, splits=self.splits, criteria=criteria, workspace=self.workspace
        )

    def earlier(self, criteria: Criteria) -> dict[str, tuple[str, ...]]:
        found = self.frozen(criteria)[1].earlier
        return {one.criteria_sha256: one.differs for one in found}


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
    )
    return Run(workspace, feature_set, splits_ref(workspace, n_folds=3))


def splits_ref(workspace: Workspace, *, n_folds: int) -> SplitsRef:
    uri, sha256 = workspace.write_manifest("split", made.splits_of(COHORT, n_folds=n_folds))
    return SplitsRef(uri=uri, sha256=sha256, n_folds=n_folds)


def test_what_was_frozen_is_read_back_with_its_power(run: Run) -> None:
    frozen = run.freeze()
    assert frozen.acceptance_sha256 == digest_of(ASKED.acceptance)
    assert run.freeze() == frozen
    found = read_frozen(frozen, criteria=ASKED, splits=run.splits, workspace=run.workspace)
    assert (found.criteria, found.splits_sha256) == (ASKED, run.splits.sha256)
    assert found.power.required_difference == -0.1


def test_all_criteria_of_a_config_are_frozen() -> None:
    config = load_config(CONFIG, environment={}).config
    criteria = Criteria.of(config)
    assert set(criteria.digests()) == set(Criteria.model_fields) == set(TOLD)
    assert criteria.evaluation == config.evaluation
    assert criteria.canary.canary_candidate_permutations == 2
    assert criteria.arms == tuple(sorted(config.arm_names()))
    assert criteria == Criteria.of(config.asked())


@pytest.mark.parametrize("part", sorted(EASED))
def test_a_part_that_was_altered_in_between_is_refused(run: Run, part: str) -> None:
    frozen = run.freeze()
    now = eased(part)
    with pytest.raises(ConfigError, match=f"the {TOLD[part]} changed") as refused:
        read_frozen(frozen, criteria=now, splits=run.splits, workspace=run.workspace)
    assert refused.value.exit_code == ExitCode.CONFIGURATION == 45
    assert ASKED.digests()[part] in str(refused.value)
    assert now.digests()[part] in str(refused.value)
    others = [told for other, told in TOLD.items() if other != part]
    assert not [told for told in others if told in str(refused.value)]


@pytest.mark.parametrize("part", sorted(EASED))
def test_criteria_that_were_frozen_before_for_the_same_folds_are_told(run: Run, part: str) -> None:
    assert run.earlier(ASKED) == {}
    assert run.earlier(eased(part)) == {digest_of(ASKED): (part,)}


def test_other_folds_of_the_cohort_that_were_frozen_before_are_told(run: Run) -> None:
    run.freeze()
    run.freeze(eased("arms"))
    other = Run(run.workspace, run.feature_set, splits_ref(run.workspace, n_folds=2))
    _, frozen = other.frozen()
    assert {(one.criteria_sha256, one.differs, one.splits_sha256) for one in frozen.earlier} == {
        (digest_of(ASKED), (), run.splits.sha256),
        (digest_of(eased("arms")), ("arms",), run.splits.sha256),
    }
    told = earlier_sentence(frozen.earlier)
    assert told is not None
    assert "1 other partition(s) of the same cohort into folds" in told
    assert f"{run.splits.sha256[:12]} (" in told
    assert "the same criteria" in told
    assert "arms" in told
    assert "other set(s) of criteria" not in told
    _, both = other.frozen(eased("arms"))
    told = earlier_sentence(both.earlier)
    assert told is not None
    assert "1 other set(s) of criteria" in told
    assert "1 other partition(s)" in told


def test_folds_that_are_frozen_again_say_what_they_said_first(run: Run) -> None:
    first = run.frozen()
    other = Run(run.workspace, run.feature_set, splits_ref(run.workspace, n_folds=2))
    second = other.frozen()
    assert [one.splits_sha256 for one in second[1].earlier] == [run.splits.sha256]
    assert run.frozen() == first
    assert other.frozen() == second
    assert first[1].earlier == ()


def test_folds_of_another_cohort_are_no_earlier_attempt(run: Run) -> None:
    run.freeze()
    cases = (replace(COHORT.cases[0], time_months=99.0), *COHORT.cases[1:])
    cohort = write_cohort(replace(COHORT, cases=cases), workspace=run.workspace)
    manifest = run.workspace.read_manifest(run.feature_set, FeatureSetManifest)
    uri, sha256 = run.workspace.write_manifest(
        "validate_features", manifest.model_copy(update={"cohort": cohort})
    )
    features = run.feature_set.model_copy(update={"uri": uri, "sha256": sha256})
    other = Run(run.workspace, features, splits_ref(run.workspace, n_folds=2))
    assert other.earlier(ASKED) == {}


def test_all_that_was_frozen_before_is_told_in_words(run: Run) -> None:
    for part in ("acceptance", "canary"):
        run.freeze(eased(part))
    _, last = run.frozen()
    told = earlier_sentence(last.earlier)
    assert told is not None
    assert "2 other set(s) of criteria" in told
    assert f"{digest_of(eased('canary'))[:12]} (canary)" in told
    assert earlier_sentence(()) is None


def test_what_is_frozen_again_says_what_it_said_first(run: Run) -> None:
    first = run.frozen()
    second = run.frozen(eased("acceptance"))
    assert run.frozen() == first
    assert run.frozen(eased("acceptance")) == second
    assert first[1].earlier == ()


def test_what_an_earlier_version_froze_counts(run: Run) -> None:
    run.workspace.write_manifest("freeze", Old(splits_sha256=run.splits.sha256))
    run.workspace.write_manifest("freeze", Old(splits_sha256="1" * 64))
    (run.workspace.root / "manifests" / "freeze" / ".stopped.tmp.json").write_text("{")
    _, frozen = run.frozen()
    assert [(one.criteria_sha256, one.differs) for one in frozen.earlier] == [("a" * 64, ())]
    assert "by an earlier version" in str(earlier_sentence(frozen.earlier))


def test_other_folds_than_those_that_were_frozen_are_refused(run: Run) -> None:
    other = splits_ref(run.workspace, n_folds=2)
    with pytest.raises(ConfigError, match="folds changed"):
        read_frozen(run.freeze(), criteria=ASKED, splits=other, workspace=run.workspace)


def test_a_frozen_file_that_was_edited_is_refused(run: Run) -> None:
    forged = run.freeze(eased("acceptance")).model_copy(
        update={"acceptance_sha256": digest_of(ASKED.acceptance)}
    )
    with pytest.raises(ConfigError, match="acceptance file changed"):
        read_frozen(
            forged, criteria=eased("acceptance"), splits=run.splits, workspace=run.workspace
        )
    frozen = run.freeze()
    path = run.workspace.path(frozen.uri)
    path.write_bytes(path.read_bytes().replace(b'"floor":0.5', b'"floor":0.1'))
    with pytest.raises(ArtifactError, match="altered since it was frozen"):
        run.freeze()
    with pytest.raises(ArtifactError, match="altered since"):
        read_frozen(frozen, criteria=ASKED, splits=run.splits, workspace=run.workspace)
