"""The evaluation: who passes, who does not, and that equal inputs give equal bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from shazam.cohort.folds import Splits
from shazam.cohort.model import Case, Cohort
from shazam.config.acceptance import AcceptanceConfig
from shazam.config.cohort import Task
from shazam.config.evaluation import EvaluationConfig
from shazam.digest import canonical_json
from shazam.errors import ArtifactError, ConfigError, LeakError
from shazam.evaluation.bootstrap import bootstrap_counts
from shazam.evaluation.comparison import (
    asked_differences,
    metric_of,
    paired_differences,
    score_arm,
    with_sites,
)
from shazam.evaluation.evaluate import evaluate
from shazam.evaluation.kaplan_meier import risk_groups
from shazam.evaluation.out_of_fold import out_of_fold
from shazam.evaluation.probe import ProbeResult
from shazam.evaluation.report import render_report
from shazam.evaluation.result import ArmEvaluation, EvaluationResult, MetricValue
from shazam.evaluation.subgroups import subgroups_of
from shazam.evaluation.summaries import fusion_weights
from shazam.evaluation.survival import survival_findings
from shazam.evaluation.truth import truth_of_cases
from shazam.manifests import TeacherIdentity
from tests.evaluation import made
from tests.evaluation.made_report import context

COHORT, SIGNAL = made.survival_cohort()
SPLITS = made.splits_of(COHORT)
TABLES = {
    arm: made.predictions(arm, SIGNAL, cohort=COHORT, splits=SPLITS, noise=noise)
    for arm, noise in {"fusion_student_v2": 0.2, "late_ensemble": 0.5, "abmil": 2.0}.items()
}


def run(
    tables: dict[str, pd.DataFrame] | None = None,
    *,
    cohort: Cohort = COHORT,
    splits: Splits = SPLITS,
    teachers: tuple[TeacherIdentity, ...] = (made.teacher(),),
    probe: ProbeResult | None = None,
    acceptance: AcceptanceConfig = made.ACCEPTANCE,
    config: EvaluationConfig = made.CONFIG,
) -> EvaluationResult:
    return evaluate(
        TABLES if tables is None else tables,
        cohort=cohort,
        splits=splits,
        teachers=teachers,
        probe=probe or made.probe_result(),
        acceptance=acceptance,
        config=config,
    )


def failed(result: EvaluationResult) -> list[str]:
    assert result.passed is all(gate.passed for gate in result.gates)
    return [gate.name for gate in result.gates if not gate.passed]


def test_a_good_candidate_passes_every_gate() -> None:
    result = run()
    assert failed(result) == []
    assert [gate.name for gate in result.gates] == [
        "floor",
        "non_inferiority",
        "min_events",
        "canary",
        "canary_candidate",
        "no_leak",
        "sound_predictions",
        "licences",
        "site_probe",
    ]
    primary = result.candidate_arm.primary
    assert primary.name == "harrell_c"
    assert primary.lower < primary.value < primary.upper
    assert result.n_events == COHORT.n_events
    assert result.uno_horizon_months is not None


def test_a_null_candidate_fails_the_floor_and_with_it_non_inferiority() -> None:
    null = np.random.default_rng(1).normal(size=72)
    tables = {
        arm: made.predictions(arm, null, cohort=COHORT, splits=SPLITS, noise=0.1)
        for arm in ("fusion_student_v2", "late_ensemble")
    }
    result = run(tables)
    assert failed(result) == ["floor", "non_inferiority"]
    assert "counts only together with the floor" in result.gates[1].explanation


def test_a_candidate_clearly_worse_than_its_peer_is_inferior() -> None:
    tables = {**TABLES, "fusion_student_v2": TABLES["abmil"]}
    assert "non_inferiority" in failed(run(tables))


def test_each_other_gate_fails_for_its_own_reason() -> None:
    few = made.ACCEPTANCE.model_copy(update={"min_events": 71})
    assert failed(run(acceptance=few)) == ["min_events"]
    assert failed(run(probe=made.probe_result(mean=0.6))) == ["canary"]
    assert failed(run(probe=ProbeResult())) == ["canary", "canary_candidate", "site_probe"]
    closed = made.teacher("uni", licence="CC-BY-NC-ND-4.0")
    probe = made.probe_result()
    of_both = (*probe.sites, probe.sites[0].model_copy(update={"teacher": "uni"}))
    result = run(
        teachers=(made.teacher(), closed), probe=probe.model_copy(update={"sites": of_both})
    )
    assert failed(result) == ["licences"]
    (licences,) = (gate for gate in result.gates if gate.name == "licences")
    assert "uni (CC-BY-NC-ND-4.0)" in licences.explanation


def test_predictions_that_are_no_number_fail_without_a_crash() -> None:
    table = TABLES["fusion_student_v2"].copy()
    table.loc[table.index[table["part"] == "test"][:2], "risk"] = np.nan
    result = run({**TABLES, "fusion_student_v2": table})
    assert "sound_predictions" in failed(result)
    assert result.candidate_arm.n_not_finite == 2
    flat = TABLES["fusion_student_v2"].assign(risk=1.0)
    assert "sound_predictions" in failed(run({**TABLES, "fusion_student_v2": flat}))


def test_equal_inputs_give_equal_bytes() -> None:
    first, second = canonical_json(run()), canonical_json(run())
    assert first == second
    assert EvaluationResult.model_validate_json(first) == run()


def test_an_arm_compared_to_itself_differs_by_nothing() -> None:
    result = run({**TABLES, "late_ensemble": TABLES["fusion_student_v2"]})
    same = next(d for d in result.differences if d.arm == "late_ensemble")
    assert (same.value, same.lower, same.upper, same.p_holm) == (0, 0, 0, 1)


def test_differences_are_paired_and_adjusted() -> None:
    result = run()
    assert [difference.arm for difference in result.differences] == ["abmil", "late_ensemble"]
    for difference in result.differences:
        assert difference.p_holm >= difference.p_value
        assert difference.lower <= difference.value <= difference.upper
    width = {d.arm: d.upper - d.lower for d in result.differences}
    assert width["late_ensemble"] < width["abmil"]


def guessing(seed: int) -> pd.DataFrame:
    signal = np.random.default_rng(seed).normal(size=len(COHORT.cases))
    return made.predictions("abmil", signal, cohort=COHORT, splits=SPLITS, noise=0.1)


def test_a_difference_is_widened_where_an_arm_is_not_told_from_guessing() -> None:
    told = run()
    pairs = (("guess", "abmil"), ("late_ensemble", "fusion_student_v2"))
    config = made.CONFIG.model_copy(update={"pairs": pairs})
    result = run({**TABLES, "abmil": guessing(1), "guess": guessing(2)}, config=config)
    widened = {difference.arm: difference.widened for difference in result.differences}
    assert widened == {"abmil": True, "guess": True, "late_ensemble": False}
    assert [pair.widened for pair in result.pairs] == [True, False]
    by_arm = {difference.arm: difference for difference in result.differences}
    before = {difference.arm: difference for difference in told.differences}
    late, late_before = by_arm["late_ensemble"], before["late_ensemble"]
    assert (late.lower, late.upper, late.p_value) == (
        late_before.lower,
        late_before.upper,
        late_before.p_value,
    )


def test_all_intervals_of_an_arm_that_is_not_told_from_guessing_are_widened() -> None:
    result = run({**TABLES, "abmil": guessing(1)})
    widened = {arm.arm: arm.widened for arm in result.arms}
    assert widened == {"abmil": True, "fusion_student_v2": False, "late_ensemble": False}
    truth = truth_of_cases(COHORT.cases, splits=SPLITS, classes=(), targets=())
    counts = bootstrap_counts(truth.fold, n_replicates=200, seed=0)
    scored = out_of_fold(guessing(1), arm="abmil", truth=truth, splits=SPLITS)
    wide, draws = score_arm(scored, truth=truth, counts=counts, chance=0.5)
    told, same = score_arm(scored, truth=truth, counts=counts, chance=0.01)
    assert (wide.widened, told.widened) == (True, False)
    assert (draws == same).all()
    for metric in told.metrics:
        other = wide.metric(metric.name)
        assert other.value == metric.value
        assert other.upper - other.lower == pytest.approx(
            np.sqrt(2) * (metric.upper - metric.lower)
        )
    assert wide.lower_without_signal == wide.primary.lower == told.lower_without_signal


def test_what_ranks_say_of_an_arm_that_guesses_is_widened_everywhere() -> None:
    result = run({**TABLES, "abmil": guessing(1)})
    truth = truth_of_cases(COHORT.cases, splits=SPLITS, classes=(), targets=())
    scored = out_of_fold(guessing(1), arm="abmil", truth=truth, splits=SPLITS)
    counts = bootstrap_counts(truth.fold, n_replicates=200, seed=0)
    common = {"truth": truth, "splits": SPLITS, "counts": counts, "config": made.CONFIG}
    plain, wide = (
        survival_findings(
            {"abmil": scored},
            predictions={"abmil": guessing(1)},
            told={"abmil": told},
            **common,
        ).arm("abmil")
        for told in (True, False)
    )
    for one, other in zip(plain.dynamic_auc, wide.dynamic_auc, strict=True):
        reach = np.sqrt(2) * (one.auc.upper - one.auc.lower)
        assert other.auc.upper - other.auc.lower == pytest.approx(reach)
    ratio = [np.log(arm.hazard_ratio.upper / arm.hazard_ratio.lower) for arm in (plain, wide)]
    assert ratio[1] == pytest.approx(np.sqrt(2) * ratio[0], rel=1e-3)
    assert chi2.isf(plain.log_rank_p, df=1) == pytest.approx(2 * chi2.isf(wide.log_rank_p, df=1))
    assert (plain.brier, plain.calibration) == (wide.brier, wide.calibration)
    shown = result.survival.arm("abmil")
    assert shown.log_rank_p > risk_groups(scored, truth=truth).log_rank_p
    assert shown.log_rank_p == risk_groups(scored, truth=truth, told=False).log_rank_p


def test_subgroups_of_a_candidate_that_guesses_are_widened() -> None:
    truth = truth_of_cases(COHORT.cases, splits=SPLITS, classes=(), targets=())
    scored = out_of_fold(guessing(1), arm="abmil", truth=truth, splits=SPLITS)
    counts = bootstrap_counts(truth.fold, n_replicates=200, seed=0)
    config = made.CONFIG.model_copy(update={"subgroup_min_cases": 2, "subgroup_min_events": 1})
    plain, wide = (
        subgroups_of(scored, cohort=COHORT, truth=truth, counts=counts, config=config, told=told)
        for told in (True, False)
    )
    judged = [(a, b) for a, b in zip(plain, wide, strict=True) if a.lower is not None]
    assert judged
    for one, other in judged:
        assert other.value == one.value
        assert other.lower <= one.lower
        assert other.upper >= one.upper


@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("harrell_c", (0.0, 1.0)),
        ("mean_pearson", (-1.0, 1.0)),
        ("mean_relative_mse", (0.0, 3.5 + 2.5 * np.sqrt(2))),
    ],
)
def test_a_widened_interval_stays_within_what_a_metric_can_be(name, ends) -> None:
    value = 3.5 if name.endswith("mse") else 0.5
    draws = value + np.array([-4.0, 2.5]).repeat(500)
    found = metric_of(name, value, replicates=draws, told=False)
    assert (found.lower, found.upper) == pytest.approx(ends)


def test_two_arms_that_guess_have_twice_the_variance_and_a_greater_p() -> None:
    arms, draws = guessing_arms(values=(0.56, 0.47), lower=0.44)
    guessing = [arm.model_copy(update={"widened": True}) for arm in arms]
    plain, wide = (
        paired_differences(own, replicates=draws, candidate="a", by_site=draws)[0]
        for own in (arms, guessing)
    )
    assert (plain.widened, wide.widened) == (False, True)
    assert wide.upper - wide.lower == pytest.approx(np.sqrt(2) * (plain.upper - plain.lower))
    assert wide.p_holm > plain.p_holm
    assert plain.by_site is not None
    assert wide.by_site is not None
    assert (wide.by_site.lower, wide.by_site.upper) == (wide.lower, wide.upper)
    (asked,) = asked_differences(guessing, replicates=draws, pairs=[("a", "b")])
    assert (asked.lower, asked.upper, asked.p_value) == (wide.lower, wide.upper, wide.p_value)
    assert asked.widened


def guessing_arms(
    *, values: tuple[float, float], lower: float
) -> tuple[list[ArmEvaluation], dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    arms = [
        ArmEvaluation(
            arm=name,
            metrics=(MetricValue(name="harrell_c", value=value, lower=lower, upper=0.6),),
            folds=(),
            seeds=(),
            n_not_finite=0,
            constant_folds=(),
        )
        for name, value in zip("ab", values, strict=True)
    ]
    draws = {arm.arm: arm.primary.value + 0.03 * rng.normal(size=2000) for arm in arms}
    return arms, draws


def test_pairs_that_are_asked_for_are_compared_and_adjusted_together() -> None:
    pairs = (("abmil", "late_ensemble"), ("fusion_student_v2", "abmil"))
    result = run(config=made.CONFIG.model_copy(update={"pairs": pairs}))
    assert [(pair.first, pair.second) for pair in result.pairs] == list(pairs)
    primary = {arm.arm: arm.primary.value for arm in result.arms}
    assert result.pairs[0].value == primary["abmil"] - primary["late_ensemble"]
    same = next(difference for difference in result.differences if difference.arm == "abmil")
    asked = result.pairs[1]
    assert (asked.value, asked.lower, asked.p_value) == (same.value, same.lower, same.p_value)
    for wrong, words in ((("abmil", "clam"), "names clam, but"), (("abmil",) * 2, "to itself")):
        config = made.CONFIG.model_copy(update={"pairs": (wrong,)})
        with pytest.raises(ConfigError, match=words):
            run(config=config)


def test_ten_sites_are_drawn_as_wholes_and_nine_are_not() -> None:
    nine = run()
    assert all(arm.primary_by_site is None for arm in nine.arms)
    assert all(difference.by_site is None for difference in nine.differences)
    cases = tuple(
        replace(case, site=f"site-{number % 12}") for number, case in enumerate(COHORT.cases)
    )
    cohort = replace(COHORT, cases=cases)
    splits = SPLITS.model_copy(update={"sites_preserved": False})
    config = made.CONFIG.model_copy(update={"pairs": (("fusion_student_v2", "abmil"),)})
    twelve = run(cohort=cohort, splits=splits, config=config)
    for arm, before in zip(twelve.arms, nine.arms, strict=True):
        assert arm.primary == before.primary
        assert arm.primary_by_site is not None
        assert arm.primary_by_site.lower < arm.primary.value < arm.primary_by_site.upper
    for difference in twelve.differences:
        assert difference.by_site is not None
        assert difference.by_site.value == difference.value
        assert difference.by_site.lower != difference.lower
    same = next(difference for difference in twelve.differences if difference.arm == "abmil")
    assert twelve.pairs[0].by_site == same.by_site


def test_a_widened_interval_over_sites_stays_within_what_a_metric_can_be() -> None:
    truth = truth_of_cases(COHORT.cases, splits=SPLITS)
    once = np.ones((2, len(truth.case_ids)))
    scored = out_of_fold(TABLES["abmil"], arm="abmil", truth=truth, splits=SPLITS)
    perfect = replace(scored, by_seed=-truth.time_months[None, :, None])
    evaluated, _ = score_arm(scored, truth=truth, counts=once, chance=0.5)
    low = MetricValue(name="harrell_c", value=0.5, lower=0.4, upper=0.6)
    guessing = evaluated.model_copy(update={"metrics": (low,), "widened": True})
    found, draws = with_sites(guessing, scored=perfect, truth=truth, counts=once)
    assert draws is not None
    assert draws.tolist() == [1.0, 1.0]
    assert found.primary_by_site is not None
    assert found.primary_by_site.upper == 1.0


def test_classes_have_a_calibration_and_survival_has_none() -> None:
    assert run().calibration is None
    calibration = made.class_result().calibration
    assert calibration is not None
    assert sum(point.n_cases for point in calibration.points) == 90


def test_folds_arms_and_groups_add_up() -> None:
    result = run()
    assert sum(fold.n_test for fold in result.folds) == 72
    assert sum(fold.n_test_events or 0 for fold in result.folds) == result.n_events
    assert all(len(arm.folds) == 3 and len(arm.seeds) == 1 for arm in result.arms)
    groups = result.risk_groups
    assert groups is not None
    assert sum(group.n_cases for group in groups.groups) == 72
    assert all(group.at_risk[0] == group.n_cases for group in groups.groups)
    assert groups.log_rank_p is not None
    assert groups.log_rank_p < 0.01


def test_curves_of_all_arms_are_judged_on_the_same_grid() -> None:
    result = run()
    found = result.survival
    assert found is not None
    assert found.horizons_months == (12.0, 36.0, 60.0)
    good, ranks_only = found.arm("fusion_student_v2"), found.arm("late_ensemble")
    assert [area.months for area in good.dynamic_auc] == [12.0, 36.0, 60.0]
    assert all(area.auc.lower <= area.auc.value <= area.auc.upper for area in good.dynamic_auc)
    assert good.hazard_ratio is not None
    assert good.hazard_ratio.lower > 1
    assert good.brier is not None
    assert good.brier.score.value < found.kaplan_meier_brier.value
    assert good.brier.minus_reference.upper < 0
    assert good.calibration is not None
    assert good.calibration.slope.lower < 1 < good.calibration.slope.upper
    assert good.d_calibration is not None
    assert good.d_calibration.p_value > 0.01
    assert good.log_rank_p == result.risk_groups.log_rank_p
    assert len(ranks_only.dynamic_auc) == 3
    assert (ranks_only.brier, ranks_only.calibration, ranks_only.d_calibration) == (None,) * 3
    assert "only its ranks" in ranks_only.remark


def test_curves_that_end_before_the_horizon_have_no_calibration_and_say_so() -> None:
    tables = {arm: table.copy() for arm, table in TABLES.items()}
    short = tables["abmil"]
    short["edge_4"] = short["survival_4"] = np.nan
    short["edge_3"] = 30.0
    found = run(tables).survival
    assert found is not None
    assert found.calibration_left_out is None
    assert found.brier_until_months == pytest.approx(30)
    assert found.arm("abmil").calibration is None
    assert found.arm("abmil").remark == "no calibration: its curves end at 30 months"
    assert found.arm("fusion_student_v2").calibration is not None


def test_folds_with_few_events_are_flagged() -> None:
    cohort, signal = made.survival_cohort(30)
    splits = made.splits_of(cohort)
    tables = {
        arm: made.predictions(arm, signal, cohort=cohort, splits=splits, noise=0.1)
        for arm in ("fusion_student_v2", "late_ensemble")
    }
    result = run(tables, cohort=cohort, splits=splits)
    assert all(fold.flagged == ((fold.n_test_events or 0) < 10) for fold in result.folds)
    assert any(fold.flagged for fold in result.folds)


def test_cases_that_did_not_go_on_are_listed() -> None:
    lost = replace(COHORT.cases[0], case_id="lost")
    slide = replace(COHORT.slides[0], slide_id="lost.s", case_id="lost", sha256="0" * 64)
    grown = replace(COHORT, cases=(*COHORT.cases, lost), slides=(*COHORT.slides, slide))
    result = run(cohort=grown)
    assert result.excluded_cases == ("lost",)
    assert (result.n_cases_in, result.n_cases) == (73, 72)


def test_shared_slide_content_is_a_leak() -> None:
    first, second, *rest = COHORT.slides
    copied = replace(COHORT, slides=(first, replace(second, sha256=first.sha256), *rest))
    with pytest.raises(LeakError, match="share slide content: case-000, case-001"):
        run(cohort=copied)


def test_splits_that_leak_are_refused_again() -> None:
    first = SPLITS.folds[0]
    leaking = first.model_copy(update={"train": (*first.train, first.test[0])})
    splits = SPLITS.model_copy(update={"folds": (leaking, *SPLITS.folds[1:])})
    with pytest.raises(LeakError, match="train and test"):
        run(splits=splits)


def test_arms_that_were_not_run_or_lack_cases_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"acceptance\.candidate is 'fusion_student_v2'"):
        run({"late_ensemble": TABLES["late_ensemble"]})
    itself = made.ACCEPTANCE.model_copy(update={"compared_to": "fusion_student_v2"})
    with pytest.raises(ConfigError, match="compared to itself"):
        run(acceptance=itself)
    with pytest.raises(ArtifactError, match="same cases"):
        run({**TABLES, "abmil": TABLES["abmil"].iloc[:-1]})


def test_classification_is_judged_by_balanced_accuracy() -> None:
    result = made.class_result()
    assert failed(result) == []
    assert result.primary_metric == "balanced_accuracy"
    assert result.risk_groups is None
    assert result.n_events is None
    assert result.confusion is not None
    assert sum(map(sum, result.confusion.counts)) == 90
    told = {gate.name: gate.explanation for gate in result.gates}
    assert "names no sites" in told["no_leak"]


def test_a_class_that_no_tested_case_has_does_not_lower_what_guessing_gives() -> None:
    cohort, signal = made.class_cohort()
    splits = made.splits_of(cohort)
    tables = {
        arm: made.predictions(arm, signal, cohort=cohort, splits=splits, noise=1.0).assign(
            prob_rare=0.0
        )
        for arm in ("fusion_student_v2", "late_ensemble")
    }
    untested = Case("case-999", None, None, None, "rare", ())
    result = run(
        tables,
        cohort=made.cohort_of([*cohort.cases, untested], task=Task.CLASSIFICATION),
        splits=splits,
        acceptance=made.ACCEPTANCE.model_copy(update={"floor": 0.0}),
    )
    assert result.confusion is not None
    assert len(result.confusion.classes) == 4
    assert result.gates[0].required == pytest.approx(1 / 3)
    assert "guessing 0.333" in render_report(result, context=context())


def test_regression_is_judged_by_the_mean_correlation_of_its_targets() -> None:
    result = made.value_result()
    assert failed(result) == []
    assert result.primary_metric == "mean_pearson"
    assert (result.n_events, result.risk_groups, result.confusion) == (None, None, None)
    assert [(row.target, row.n_measured) for row in result.targets] == [
        (gene, sum(dict(case.values)[gene] is not None for case in made.value_cohort()[0].cases))
        for gene in made.GENES
    ]
    assert [metric.name for metric in result.candidate_arm.metrics] == [
        "mean_pearson",
        "mean_relative_mse",
        "pearson_CD8A",
        "pearson_HLA-A",
        "mse_CD8A",
        "mse_HLA-A",
    ]
    assert all(m.lower <= m.value <= m.upper for m in result.candidate_arm.metrics)
    assert EvaluationResult.model_validate_json(canonical_json(result)) == result


def test_regression_that_learnt_nothing_fails_the_floor() -> None:
    assert "floor" in failed(made.value_result(noise=300.0))


def test_weights_of_a_fusion_are_gathered_by_fold_and_seed() -> None:
    rows = [(seed, fold) for seed in (0, 1) for fold in (0, 1) for _ in range(3)]
    frame = pd.DataFrame(rows, columns=["seed", "fold"])
    frame["weight_a.x"] = 0.25 * frame["fold"]
    frame["weight_b"] = 1.0 - frame["weight_a.x"]
    found = fusion_weights({"other": frame[["seed", "fold"]], "logit_prod": frame})
    assert [(f.arm, f.seed, f.fold, f.parts, f.weights) for f in found] == [
        ("logit_prod", seed, fold, ("a.x", "b"), (0.25 * fold, 1.0 - 0.25 * fold))
        for seed in (0, 1)
        for fold in (0, 1)
    ]
