"""A release is judged on a locked cohort, and the verdict can be computed from what is stored."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shazam.cli.measured import print_measured
from shazam.cohort.locked import lock_cohort, locked_cohort
from shazam.cohort.locked_uses import record_use, uses_of
from shazam.cohort.seen import Seen
from shazam.config.acceptance import AcceptanceConfig, CalibrationRule, ChampionRule
from shazam.config.cohort import Task
from shazam.config.evaluation import EvaluationConfig
from shazam.digest import digest_of
from shazam.errors import ArtifactError, ConfigError, LeakError
from shazam.evaluation.measured import Measured, measured_of, read_table, table_path
from shazam.evaluation.measured_again import recompute_measured
from shazam.evaluation.measured_criteria import LockedCriteria
from shazam.evaluation.measured_tables import ScoredModel
from shazam.evaluation.measured_verdict import Occasion
from shazam.evaluation.result import Gate
from shazam.publish import publish_sealed
from shazam.refs import MeasuredRef
from shazam.workspace import Workspace
from tests.evaluation import made
from tests.evaluation.test_measure import (
    CHAMPION,
    COHORT,
    CRITERIA,
    ELSEWHERE,
    RELEASE,
    SCORED,
    Known,
    measure,
    of_run,
    read,
    ref,
)

ALL = [case.case_id for case in COHORT.cases]
RUN_ALONE = {"non_inferiority", "canary", "canary_candidate", "site_probe"}
ASKED = ["floor", "min_events", "coverage", "no_leak", "sound_predictions", "licences"]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    home = Workspace(tmp_path / "ws")
    lock_cohort(COHORT, name="external", sites_preserved=False, workspace=home)
    return home


def asking(*, evaluation: EvaluationConfig = made.CONFIG, **acceptance: object) -> LockedCriteria:
    plain = made.ACCEPTANCE.model_dump() | acceptance
    return CRITERIA.model_copy(
        update={
            "acceptance": AcceptanceConfig.model_validate(plain),
            "evaluation": evaluation,
        }
    )


def gate(found: Measured, name: str) -> Gate:
    (own,) = [gate for gate in found.gates if gate.name == name]
    return own


def failed(found: Measured) -> set[str]:
    return {gate.name for gate in found.gates if not gate.passed}


def test_a_sound_release_passes_every_gate_that_can_be_judged(workspace: Workspace) -> None:
    made_ref = measure(workspace)
    found = read(workspace, made_ref)
    assert [gate.name for gate in found.gates] == ASKED
    assert failed(found) == set()
    assert found.passed
    assert made_ref.passed
    assert {one.name for one in found.not_judged} == RUN_ALONE
    assert "late_ensemble" in found.not_judged[0].why
    (use,) = uses_of("external", workspace=workspace)
    assert found.bundle_sha256 == use.bundle_sha256 == RELEASE
    assert found.acceptance_sha256 == use.acceptance_sha256 == CRITERIA.acceptance_sha256
    assert use.evaluation_sha256 == CRITERIA.evaluation_sha256


def test_the_floor_is_by_the_bound_as_drawn_and_above_guessing(workspace: Workspace) -> None:
    found = read(workspace, measure(workspace, release=Known(40.0)))
    assert failed(found) == {"floor"}
    assert not found.passed
    assert gate(found, "floor").observed == found.release.metrics[0].lower


def test_a_floor_below_guessing_is_raised_to_it(workspace: Workspace) -> None:
    found = read(workspace, measure(workspace, criteria=asking(floor=0.1)))
    assert gate(found, "floor").required == 0.5


def test_a_failed_gate_is_published_and_the_use_stays(workspace: Workspace) -> None:
    made_ref = measure(workspace, criteria=asking(min_events=71))
    assert not made_ref.passed
    assert failed(read(workspace, made_ref)) == {"min_events"}
    with pytest.raises(LeakError, match="measured once"):
        measure(workspace)


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (Known(float("nan")), r"gave 70 prediction\(s\) that are no number"),
        (Known(0.0, signal=np.zeros(72)), "gave the same prediction for every locked case"),
    ],
)
def test_unsound_predictions_fail_with_a_result(
    broken: Known, told: str, workspace: Workspace
) -> None:
    found = read(workspace, measure(workspace, release=broken, champion=Known(1.0)))
    assert {"floor", "sound_predictions"} <= failed(found)
    assert re.search(told, gate(found, "sound_predictions").explanation)
    assert found.compared is not None
    assert found.compared.comparison is None


@pytest.mark.parametrize(
    ("asked", "of_bundle", "passes"),
    [(0.05, 0.1, True), (0.02, 0.1, False), (0.5, 0.02, False), (0.028, 1.0, True)],
)
def test_few_locked_cases_may_lack_features(
    asked: float, of_bundle: float, passes: bool, workspace: Workspace
) -> None:
    criteria = CRITERIA.model_copy(update={"max_unscored_fraction": asked})
    own = replace(of_run(criteria), max_quarantine_fraction=of_bundle)
    found = read(workspace, measure(workspace, criteria=criteria, judged_by=own))
    assert gate(found, "coverage").observed == 2 / 72
    assert gate(found, "coverage").required == min(asked, of_bundle)
    assert gate(found, "coverage").passed is passes


def test_a_licence_that_is_not_accepted_fails(workspace: Workspace) -> None:
    found = read(workspace, measure(workspace, teachers=(made.teacher(licence="secret"),)))
    assert failed(found) == {"licences"}


def test_subgroups_are_judged_by_their_floors(workspace: Workspace) -> None:
    small = EvaluationConfig(bootstrap=200, subgroup_min_cases=2, subgroup_min_events=1)
    criteria = asking(evaluation=small, subgroup_floors={"site": 0.99, "sex": 0.5})
    found = read(workspace, measure(workspace, release=Known(1.0), criteria=criteria))
    assert failed(found) == {"subgroup_site", "subgroup_sex"}
    assert {one.column for one in found.subgroups} == {"site"}
    assert "no case is known by it" in gate(found, "subgroup_sex").explanation


@dataclass(frozen=True)
class WithCurves(Known):
    """Also tells the curves that the made cohort was drawn from."""

    def predict(self, case_ids: Sequence[str]) -> pd.DataFrame:
        table = Known.predict(self, case_ids)
        for k, edge in enumerate(made.EDGES_MONTHS):
            table[f"edge_{k}"] = edge
            table[f"survival_{k}"] = np.exp(-edge / 30 * np.exp(table["risk"]))
        return table


RULES = CalibrationRule(
    slope_min=0.5, slope_max=2.0, max_calibration_in_the_large=0.2, d_calibration_min_p=1e-6
)
RULE_GATES = {"calibration_slope", "calibration_in_the_large", "d_calibration"}


def test_calibration_is_judged_where_curves_are_told(workspace: Workspace) -> None:
    near = EvaluationConfig(bootstrap=200, calibration_horizon_months=24.0)
    criteria = asking(evaluation=near, calibration=RULES)
    found = read(workspace, measure(workspace, release=WithCurves(0.0), criteria=criteria))
    assert {gate.name for gate in found.gates} >= RULE_GATES
    assert failed(found) == set()
    assert all(gate(found, name).observed is not None for name in RULE_GATES)


@pytest.mark.parametrize(
    ("release", "months", "told"),
    [
        (Known(0.2), 24.0, "predicts risks and no survival curves"),
        (WithCurves(0.0), 80.0, "80 months"),
    ],
)
def test_calibration_that_cannot_be_computed_fails_and_says_why(
    release: Known, months: float, told: str, workspace: Workspace
) -> None:
    far = EvaluationConfig(bootstrap=200, calibration_horizon_months=months)
    rule = CalibrationRule(max_calibration_in_the_large=0.2)
    criteria = asking(evaluation=far, calibration=rule)
    found = read(workspace, measure(workspace, release=release, criteria=criteria))
    assert failed(found) == {"calibration_in_the_large"}
    assert told in gate(found, "calibration_in_the_large").explanation


def locked_rule(**more: object) -> LockedCriteria:
    return asking(
        champion=ChampionRule.model_validate({"bundle": CHAMPION, "kind": "locked", **more})
    )


def test_the_champion_is_a_gate_where_it_is_asked_for(workspace: Workspace) -> None:
    found = read(workspace, measure(workspace, champion=Known(3.0), criteria=locked_rule()))
    assert failed(found) == set()
    assert gate(found, "champion").passed
    assert "(locked)" in gate(found, "champion").explanation


def test_a_better_champion_stays(workspace: Workspace) -> None:
    better = measure(workspace, release=Known(1.0), champion=Known(0.0), criteria=locked_rule())
    assert failed(read(workspace, better)) == {"champion"}


def test_a_champion_that_is_only_shown_is_no_gate(workspace: Workspace) -> None:
    rule = ChampionRule(bundle="c" * 64)
    found = read(workspace, measure(workspace, champion=Known(0.0), criteria=asking(champion=rule)))
    assert found.compared is not None
    assert "champion" not in {gate.name for gate in found.gates}
    assert "champion" in {one.name for one in found.not_judged}


def test_other_criteria_than_those_of_the_run_are_refused_unseen(workspace: Workspace) -> None:
    other = locked_rule(bundle="c" * 64)
    gone = EvaluationConfig(bootstrap=200, subgroups=("grade",))
    fewer = EvaluationConfig(bootstrap=201)
    for told, given in (
        (
            f"section 'acceptance': {CRITERIA.acceptance_sha256} then",
            {"criteria": asking(floor=0.4)},
        ),
        ("section 'evaluation'", {"criteria": asking(evaluation=fewer)}),
    ):
        with pytest.raises(ConfigError, match=told) as refused:
            measure(workspace, judged_by=of_run(CRITERIA), **given)
        assert refused.value.exit_code == 45
    for told, given in (
        ("would be compared to none; give --champion", {"criteria": locked_rule()}),
        (f"compared to {CHAMPION}", {"criteria": other, "champion": Known(1.0)}),
        ("no column grade", {"criteria": asking(evaluation=gone)}),
        ("the bundle is of 'abmil'", {"release": Known(0.2, arm="abmil")}),
    ):
        with pytest.raises(ConfigError, match=told):
            measure(workspace, **given)
    assert uses_of("external", workspace=workspace) == ()


def test_another_bundle_than_the_one_asked_for_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match=f"{RELEASE} is asked for, and {CHAMPION} was opened"):
        measure(workspace, opened=CHAMPION)
    assert uses_of("external", workspace=workspace) == ()


def test_the_terminal_shows_every_gate(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    print_measured(measure(workspace, criteria=asking(min_events=71)), workspace=workspace)
    out = capsys.readouterr().out
    for name in ASKED:
        assert f"gate {name}: {'FAILED' if name == 'min_events' else 'passed'} (" in out
    for name in RUN_ALONE:
        assert f"gate {name}: not judged here (" in out
    assert out.splitlines()[-1].endswith("locked/external/measured/000001.json")


def test_promised_sites_are_not_trained_on_anywhere(tmp_path: Path) -> None:
    home = Workspace(tmp_path)
    lock_cohort(COHORT, name="external", sites_preserved=True, workspace=home)
    apart = replace(ELSEWHERE, sites=frozenset({"other"}))
    for told, given in (
        ("release does not say the site", {}),
        (
            "release was trained on 1 site",
            {"seen": replace(ELSEWHERE, sites=frozenset({"SITE-1"}))},
        ),
        ("champion does not say the site", {"seen": apart, "champion": Known(1.0)}),
    ):
        with pytest.raises(LeakError, match=told):
            measure(home, **given)
    assert uses_of("external", workspace=home) == ()
    found = read(home, measure(home, seen=apart))
    assert found.sites_promised
    assert "no site of them" in gate(found, "no_leak").explanation


def stored(workspace: Workspace, found: Measured) -> tuple[Occasion, dict[str, ScoredModel]]:
    record = locked_cohort("external", workspace=workspace)
    (use,) = uses_of("external", workspace=workspace)
    occasion = Occasion(
        locked="external",
        promised_sites=record.sites,
        cohort=COHORT,
        use=use,
        criteria=CRITERIA,
        feature_set_sha256=found.feature_set_sha256,
        quarantine=found.quarantine,
    )
    models = {"release": found.release, "champion": found.champion}
    scored = {}
    for name, model in models.items():
        if model is None:
            continue
        path = table_path("external", number=1, model=name, workspace=workspace)
        sha256 = model.predictions_sha256
        table = read_table(path, sha256=sha256)
        scored[name] = ScoredModel(
            model.bundle_sha256, model.arm, ELSEWHERE, (made.teacher(),), table, sha256
        )
    return occasion, scored


def test_a_result_follows_from_the_stored_predictions(workspace: Workspace) -> None:
    found = read(workspace, measure(workspace, champion=Known(2.0)))
    occasion, models = stored(workspace, found)
    assert recompute_measured(found, occasion=occasion, models=models) == found
    assert list(models["release"].table["case_id"]) == SCORED


def test_any_other_number_is_refused(workspace: Workspace) -> None:
    found = read(workspace, measure(workspace, release=Known(40.0)))
    occasion, models = stored(workspace, found)
    better = tuple(gate.model_copy(update={"passed": True}) for gate in found.gates)
    metric = found.release.metrics[0].model_copy(update={"value": 0.9})
    for told, change in (
        ("passed", {"passed": True}),
        ("gates, passed", {"gates": better, "passed": True}),
        ("release", {"release": found.release.model_copy(update={"metrics": (metric,)})}),
        ("without_features", {"without_features": ()}),
        ("quarantine", {"quarantine": ()}),
        ("not_judged", {"not_judged": ()}),
    ):
        with pytest.raises(ArtifactError, match=f"differing: {told}$"):
            recompute_measured(found.model_copy(update=change), occasion=occasion, models=models)


def test_what_is_computed_again_is_of_the_recorded_use(workspace: Workspace) -> None:
    found = read(workspace, measure(workspace))
    occasion, models = stored(workspace, found)
    for other in (
        replace(occasion, criteria=asking(floor=0.4)),
        replace(occasion, criteria=asking(evaluation=EvaluationConfig(bootstrap=300))),
    ):
        with pytest.raises(ArtifactError, match="was recorded for bundle"):
            recompute_measured(found, occasion=other, models=models)
    foreign = {"release": replace(models["release"], bundle_sha256="e" * 64)}
    with pytest.raises(ArtifactError, match="was recorded for bundle"):
        recompute_measured(found, occasion=occasion, models=foreign)
    seen = {"release": replace(models["release"], seen=Seen(frozenset({ALL[0]}), frozenset()))}
    with pytest.raises(LeakError, match="release was trained on 1 tested case"):
        recompute_measured(found, occasion=occasion, models=seen)
    fewer = {"release": replace(models["release"], table=models["release"].table[1:])}
    with pytest.raises(ArtifactError, match="differing"):
        recompute_measured(found, occasion=occasion, models=fewer)


def test_other_cases_for_the_champion_are_refused(workspace: Workspace) -> None:
    found = read(workspace, measure(workspace, champion=Known(2.0)))
    occasion, models = stored(workspace, found)
    for table, told in (
        (models["champion"].table[1:], "of other cases"),
        (models["champion"].table.drop(columns="risk"), "lack risk"),
    ):
        other = models | {"champion": replace(models["champion"], table=table)}
        with pytest.raises(ArtifactError, match=told):
            recompute_measured(found, occasion=occasion, models=other)
    nameless = {"release": replace(models["release"], table=table.drop(columns="case_id"))}
    with pytest.raises(ArtifactError, match="name no cases"):
        recompute_measured(found, occasion=occasion, models=nameless)


def test_altered_predictions_are_noticed(workspace: Workspace) -> None:
    found = read(workspace, measure(workspace))
    path = table_path("external", number=1, model="release", workspace=workspace)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ArtifactError, match="altered since it was measured"):
        read_table(path, sha256=found.release.predictions_sha256)
    path.unlink()
    with pytest.raises(ArtifactError, match="missing"):
        read_table(path, sha256=found.release.predictions_sha256)


def test_a_use_of_an_earlier_version_keeps_its_place(workspace: Workspace) -> None:
    old = record_use(
        "external",
        release="0.9",
        bundle_sha256="9" * 64,
        who="ann",
        why="measured elsewhere",
        when=datetime(2026, 1, 1, tzinfo=UTC),
        workspace=workspace,
    )
    path = workspace.path("locked/external/uses/000001.json")
    assert b"acceptance_sha256" not in path.read_bytes()
    found: MeasuredRef = measure(workspace)
    assert found.number == 2
    assert uses_of("external", workspace=workspace)[0] == old


def test_a_result_of_an_earlier_version_is_still_found(workspace: Workspace) -> None:
    measure(workspace)
    (use,) = uses_of("external", workspace=workspace)
    path = workspace.path("locked/external/measured/000001.json")
    old = f'{{"format":"shazam-measured-1","use_sha256":"{digest_of(use)}"}}'
    publish_sealed(path, lambda target: target.write_text(old))
    assert measured_of("external", use, workspace=workspace) == path


def test_classes_and_values_are_judged_too(tmp_path: Path) -> None:
    home = Workspace(tmp_path)
    cohort, truth = made.class_cohort()
    lock_cohort(cohort, name="external", sites_preserved=False, workspace=home)
    shares = np.exp(3 * truth) / np.exp(3 * truth).sum(axis=1, keepdims=True)
    release = Known(
        0.0,
        task=Task.CLASSIFICATION,
        classes=made.CLASSES,
        signal=shares,
        columns=tuple(f"prob_{name}" for name in made.CLASSES),
    )
    given = ref(home, cohort=cohort, names=[case.case_id for case in cohort.cases])
    criteria = asking(calibration=CalibrationRule(max_calibration_error=0.2), floor=0.2)
    found = read(home, measure(home, release=release, feature_set=given, criteria=criteria))
    assert failed(found) == set()
    assert gate(found, "floor").required == pytest.approx(1 / 3)
    assert gate(found, "calibration_error").observed is not None


def test_values_are_judged_by_their_correlation(tmp_path: Path) -> None:
    home = Workspace(tmp_path)
    cohort, values = made.value_cohort()
    lock_cohort(cohort, name="external", sites_preserved=False, workspace=home)
    release = Known(
        0.1,
        task=Task.REGRESSION,
        targets=made.GENES,
        signal=values,
        columns=tuple(f"value_{name}" for name in made.GENES),
    )
    given = ref(home, cohort=cohort, names=[case.case_id for case in cohort.cases])
    rule = CalibrationRule(max_calibration_error=0.2)
    found = read(
        home, measure(home, release=release, feature_set=given, criteria=asking(calibration=rule))
    )
    assert found.release.metrics[0].name == "mean_pearson"
    assert failed(found) == {"calibration_error"}
