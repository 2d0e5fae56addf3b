"""A locked cohort is checked, its use recorded, and only then is anything scored."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sksurv.metrics import concordance_index_censored, concordance_index_ipcw
from sksurv.util import Surv

from shazam.cohort.locked import lock_cohort
from shazam.cohort.locked_uses import uses_of
from shazam.cohort.model import Cohort
from shazam.cohort.seen import Seen
from shazam.cohort.store import write_cohort
from shazam.config.cohort import Task
from shazam.config.measure import MeasureRequest
from shazam.errors import ArtifactError, ConfigError, LeakError, ShazamError
from shazam.evaluation.measure import measure_locked
from shazam.evaluation.measured import Measured, measured_of
from shazam.evaluation.measured_criteria import LockedCriteria
from shazam.evaluation.registered import JudgedBy, Registered
from shazam.manifests import (
    FeatureSetManifest,
    QuarantineEntry,
    SlideFeatures,
    TeacherIdentity,
)
from shazam.refs import FeatureSetRef, MeasuredRef
from shazam.workspace import Workspace
from tests.cohort.made import cohort_of, survival_case
from tests.command import shazam_here
from tests.evaluation import made

COHORT, SIGNAL = made.survival_cohort()
SCORED = [case.case_id for case in COHORT.cases][2:]
ELSEWHERE = Seen(frozenset({"older-1"}), frozenset({"f" * 64}))
RELEASE, CHAMPION = "a" * 64, "b" * 64
CRITERIA = LockedCriteria(
    acceptance=made.ACCEPTANCE, evaluation=made.CONFIG, max_unscored_fraction=0.1
)


@dataclass(frozen=True)
class Known:
    """A model that predicts the signal and noise; ``before`` is called first."""

    noise: float
    before: Callable[[], None] = lambda: None
    task: Task = Task.SURVIVAL
    arm: str = "fusion_student_v2"
    classes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    signal: np.ndarray = field(default_factory=lambda: SIGNAL)
    columns: tuple[str, ...] = ("risk",)

    def predict(self, case_ids: Sequence[str]) -> pd.DataFrame:
        self.before()
        rows = [int(name.removeprefix("case-")) for name in case_ids]
        noise = np.random.default_rng(5).normal(size=self.signal.shape)
        values = (self.signal + self.noise * noise)[rows].reshape(len(rows), -1)
        table = pd.DataFrame(values, columns=list(self.columns))
        table["case_id"] = list(case_ids)
        return table


def ref(
    workspace: Workspace, *, cohort: Cohort = COHORT, names: Sequence[str] = SCORED
) -> FeatureSetRef:
    entries = tuple(
        SlideFeatures(
            slide_id=f"{name}.s",
            case_id=name,
            key="0" * 64,
            uri="f",
            sha256="0" * 64,
            n_tiles=1,
            tiles_key="0" * 64,
        )
        for name in names
    )
    quarantined = QuarantineEntry(
        slide_id="case-000.s",
        slide_sha256="d" * 64,
        stage="validate",
        error="NoTissueError",
        reason="no_tissue",
        message="no tile holds enough tissue",
    )
    manifest = FeatureSetManifest(
        cohort=write_cohort(cohort, workspace=workspace),
        teachers=(made.teacher(),),
        features=(entries,),
        quarantine=(quarantined,),
        versions=(),
    )
    uri, sha256 = workspace.write_manifest("validate_features", manifest)
    return FeatureSetRef(
        uri=uri,
        sha256=sha256,
        teachers=("lite0",),
        n_cases=len(names),
        n_slides=len(names),
        n_quarantined=1,
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    home = Workspace(tmp_path / "ws")
    lock_cohort(COHORT, name="external", sites_preserved=False, workspace=home)
    return home


def of_run(criteria: LockedCriteria) -> JudgedBy:
    return JudgedBy(
        acceptance_sha256=criteria.acceptance_sha256,
        evaluation_sha256=criteria.evaluation_sha256,
        max_quarantine_fraction=0.1,
    )


def measure(
    workspace: Workspace,
    *,
    release: Known | None = None,
    champion: Known | None = None,
    seen: Seen = ELSEWHERE,
    champion_seen: Seen = ELSEWHERE,
    feature_set: FeatureSetRef | None = None,
    criteria: LockedCriteria = CRITERIA,
    judged_by: JudgedBy | None = None,
    teachers: tuple[TeacherIdentity, ...] = (made.teacher(),),
    opened: str = RELEASE,
) -> MeasuredRef:
    own = judged_by or of_run(criteria)
    request = MeasureRequest(
        locked="external",
        release="1.0",
        bundle=RELEASE,
        champion=None if champion is None else CHAMPION,
        who="ann",
        why="release",
    )
    return measure_locked(
        request,
        release=Registered(opened, seen, release or Known(0.2), teachers, own),
        champion=None
        if champion is None
        else Registered(CHAMPION, champion_seen, champion, teachers, own),
        feature_set=feature_set or ref(workspace),
        criteria=criteria,
        when=datetime(2026, 1, 2, tzinfo=UTC),
        workspace=workspace,
    )


def read(workspace: Workspace, found: MeasuredRef) -> Measured:
    return workspace.read_manifest(found, Measured)


def test_metrics_have_intervals_and_name_what_was_measured(workspace: Workspace) -> None:
    found = read(workspace, measure(workspace))
    (use,) = uses_of("external", workspace=workspace)
    assert found.use == use
    assert found.cohort_sha256 == COHORT.digest
    assert (found.n_locked, found.n_cases) == (72, 70)
    assert found.without_features == ("case-000", "case-001")
    assert [entry.reason for entry in found.quarantine] == ["no_tissue"]
    assert [metric.name for metric in found.release.metrics] == ["harrell_c", "uno_c"]
    for metric in found.release.metrics:
        assert 0.5 < metric.lower < metric.value < metric.upper
    assert found.compared is None
    path = workspace.path("locked/external/measured/000001.json")
    assert measured_of("external", use, workspace=workspace) == path


def test_a_locked_cohort_is_one_fold_that_knows_its_own_censoring(workspace: Workspace) -> None:
    found = read(workspace, measure(workspace, release=Known(0.6)))
    cases = COHORT.cases[2:]
    months = np.array([case.time_months for case in cases])
    event = np.array([case.event for case in cases])
    risk = Known(0.6).predict([case.case_id for case in cases])["risk"].to_numpy()
    outcome = Surv.from_arrays(event, months)
    harrell = concordance_index_censored(event, months, risk)[0]
    uno = concordance_index_ipcw(outcome, outcome, risk, tau=months.max())[0]
    assert [metric.value for metric in found.release.metrics] == pytest.approx([harrell, uno])


def test_both_registered_models_are_compared_on_paired_draws(workspace: Workspace) -> None:
    found = read(workspace, measure(workspace, champion=Known(3.0)))
    assert found.champion is not None
    assert found.compared is not None
    compared = found.compared.comparison
    assert compared is not None
    assert (compared.kind, compared.n_cases) == ("locked", 70)
    assert compared.candidate == found.release.metrics[0].value
    assert compared.champion == found.champion.metrics[0].value
    assert 0 < compared.lower < compared.difference


def test_a_champion_that_says_nothing_is_told_beside_the_metrics(workspace: Workspace) -> None:
    constant = replace(Known(0.0), signal=np.zeros(72))
    found = read(workspace, measure(workspace, champion=constant))
    assert found.compared is not None
    assert found.compared.why_not is not None
    assert "same for every case" in found.compared.why_not
    assert found.release.metrics[0].value > 0.5


def test_the_use_is_recorded_before_anything_is_scored(workspace: Workspace) -> None:
    counted: list[int] = []
    before = Known(0.2, lambda: counted.append(len(uses_of("external", workspace=workspace))))
    measure(workspace, release=before, champion=replace(before, noise=1.0))
    assert counted == [1, 1]
    with pytest.raises(LeakError, match="a release is measured once"):
        measure(workspace, release=before)
    assert counted == [1, 1]


@pytest.mark.parametrize(
    "kind", [RuntimeError, OSError, ValueError, KeyError, TypeError, ZeroDivisionError, MemoryError]
)
def test_a_use_stays_though_scoring_failed(kind: type[Exception], workspace: Workspace) -> None:
    def fail() -> None:
        raise kind("out of order")

    told = r"use 1 of locked cohort 'external' is recorded and.*\n?.*out of order"
    with pytest.raises(ShazamError, match=told):
        measure(workspace, release=Known(0.2, fail))
    (use,) = uses_of("external", workspace=workspace)
    assert measured_of("external", use, workspace=workspace) is None
    with pytest.raises(LeakError, match="measured once"):
        measure(workspace)


def test_a_model_that_predicts_something_else_leaves_the_use(workspace: Workspace) -> None:
    with pytest.raises(ShazamError, match=r"stays so.*does not predict risk"):
        measure(workspace, release=Known(0.2, columns=("hazard",)))
    assert len(uses_of("external", workspace=workspace)) == 1


def one_case(name: str) -> Seen:
    return Seen(frozenset({name}), frozenset())


def test_what_is_refused_is_not_recorded(workspace: Workspace) -> None:
    other = cohort_of([*COHORT.cases[1:], survival_case("more", site="s")])
    content = Seen(frozenset(), frozenset({COHORT.slides[0].sha256}))
    censored = [case.case_id for case in COHORT.cases if not case.event]
    for error, told, given in (
        (LeakError, "release was trained on 1 tested case", {"seen": one_case("case-000")}),
        (LeakError, "release was trained on 1 tested slide content", {"seen": content}),
        (
            LeakError,
            "champion was trained on 1 tested case",
            {"champion": Known(1.0), "champion_seen": one_case("case-003")},
        ),
        (ConfigError, "was locked as", {"feature_set": ref(workspace, cohort=other)}),
        (ConfigError, "no two cases", {"feature_set": ref(workspace, names=censored)}),
        (
            ConfigError,
            "the release predicts regression; the cohort is of survival",
            {"release": replace(Known(1.0), task=Task.REGRESSION, targets=("CD8A",))},
        ),
        (
            ConfigError,
            "the champion predicts regression; the cohort is of survival",
            {"champion": replace(Known(1.0), task=Task.REGRESSION)},
        ),
    ):
        with pytest.raises(error, match=told):
            measure(workspace, **given)
    assert uses_of("external", workspace=workspace) == ()
    assert not (workspace.root / "locked" / "external" / "measured").exists()


def test_classes_are_measured_too(tmp_path: Path) -> None:
    home = Workspace(tmp_path)
    cohort, truth = made.class_cohort()
    lock_cohort(cohort, name="external", sites_preserved=False, workspace=home)
    columns = tuple(f"prob_{name}" for name in made.CLASSES)
    known = replace(
        Known(0.5), task=Task.CLASSIFICATION, classes=made.CLASSES, signal=truth, columns=columns
    )
    given = ref(home, cohort=cohort, names=[case.case_id for case in cohort.cases])
    found = read(home, measure(home, release=known, feature_set=given))
    assert [m.name for m in found.release.metrics] == [
        "balanced_accuracy",
        "macro_auroc",
        "weighted_f1",
    ]
    assert found.n_events is None
    twisted = replace(known, classes=("adeno", "benign", "other"))
    with pytest.raises(ConfigError, match="the champion predicts the classes adeno, benign, other"):
        measure(home, release=known, champion=twisted, feature_set=given)


def test_a_result_is_sealed_to_its_use(workspace: Workspace) -> None:
    measure(workspace)
    (use,) = uses_of("external", workspace=workspace)
    path = workspace.path("locked/external/measured/000001.json")
    told = shazam_here("locked", "status", "-w", workspace.root)
    assert f"result: {path}" in told.out
    with pytest.raises(ArtifactError, match="another use"):
        measured_of("external", use.model_copy(update={"who": "eve"}), workspace=workspace)
    content = json.loads(path.read_text())
    content["release"]["metrics"][0]["value"] = 0.99
    path.write_text(json.dumps(content))
    with pytest.raises(ArtifactError, match="altered since it was measured"):
        measured_of("external", use, workspace=workspace)
    assert shazam_here("locked", "status", "-w", workspace.root).code == 1


def test_the_champion_is_not_the_release() -> None:
    with pytest.raises(ValidationError, match="the release itself"):
        MeasureRequest(locked="x", release="1", bundle=RELEASE, champion=RELEASE, who="a", why="b")
