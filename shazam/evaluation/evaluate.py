"""Arms against each other on the same cases, and the verdict on the named candidate.

Reads predictions and probes; fits nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import pandas as pd

from shazam.cohort.folds import Splits, check_splits
from shazam.cohort.model import Cohort
from shazam.config.acceptance import AcceptanceConfig
from shazam.config.cohort import Task
from shazam.config.evaluation import EvaluationConfig
from shazam.digest import digest_of
from shazam.errors import ConfigError, LeakError
from shazam.evaluation import asked_gates, gates, probe_gates
from shazam.evaluation.bootstrap import bootstrap_counts
from shazam.evaluation.champion import champion_gates
from shazam.evaluation.comparison import paired_differences, score_arm
from shazam.evaluation.kaplan_meier import risk_groups
from shazam.evaluation.metrics import chance_of, primary_metric, uno_horizon_months
from shazam.evaluation.obligations import Obligation, obligations_of
from shazam.evaluation.out_of_fold import out_of_fold
from shazam.evaluation.pairs import Array
from shazam.evaluation.power import Power
from shazam.evaluation.probe import ProbeResult
from shazam.evaluation.result import ArmEvaluation, Difference, EvaluationResult, Gate
from shazam.evaluation.summaries import (
    confusion_of,
    excluded_cases,
    fold_summaries,
    fusion_weights,
    target_counts,
)
from shazam.evaluation.truth import Truth, truth_of_cases
from shazam.manifests import TeacherIdentity


def evaluate(
    predictions: Mapping[str, pd.DataFrame],
    *,
    cohort: Cohort,
    splits: Splits,
    teachers: Sequence[TeacherIdentity],
    probe: ProbeResult,
    acceptance: AcceptanceConfig,
    config: EvaluationConfig,
    power: Power | None = None,
) -> EvaluationResult:
    """Judge all arms on the same out-of-fold cases.

    Args:
        predictions: the predictions table of each arm.
        cohort: all cases and slides that came in.
        splits: the folds of the cases that went on.
        teachers: whose features the candidate reads.
        probe: site probe and canary.
        acceptance: what the candidate must show.
        config: bootstrap and flags.
        power: of the comparison, as it was known before.

    Raises:
        ConfigError: the candidate or the arm it is compared to was not run, or nothing can be
            compared.
        ArtifactError: an arm lacks cases or columns.
        LeakError: a case, slide content or promised site stands in two parts.
    """
    _check_arms(predictions, acceptance=acceptance)
    _check_leaks(cohort, splits=splits)
    truth = truth_of_cases(
        cohort.cases, splits=splits, classes=cohort.classes, targets=cohort.targets
    )
    pooled = {
        arm: out_of_fold(predictions[arm], arm=arm, truth=truth, splits=splits)
        for arm in sorted(predictions)
    }
    counts = bootstrap_counts(
        truth.fold, groups=truth.groups, n_replicates=config.bootstrap, seed=config.seed
    )
    replicates: dict[str, Array] = {}
    arms = []
    for arm, scored in pooled.items():
        evaluated, replicates[arm] = score_arm(scored, truth=truth, counts=counts)
        arms.append(evaluated)
    differences = paired_differences(arms, replicates=replicates, candidate=acceptance.candidate)
    obligations = obligations_of(teachers, acceptance=acceptance)
    judged = _gates(
        arms,
        differences=differences,
        cohort=cohort,
        splits=splits,
        truth=truth,
        teachers=teachers,
        obligations=obligations,
        probe=probe,
        acceptance=acceptance,
    )
    survival = truth.task is Task.SURVIVAL
    candidate = pooled[acceptance.candidate]
    return EvaluationResult(
        task=truth.task,
        primary_metric=primary_metric(truth),
        candidate=acceptance.candidate,
        cohort_sha256=cohort.digest,
        splits_sha256=digest_of(splits),
        acceptance_sha256=digest_of(acceptance),
        acceptance=acceptance,
        config=config,
        n_cases_in=len(cohort.cases),
        n_slides_in=len(cohort.slides),
        n_cases=len(truth.case_ids),
        n_events=int(truth.event.sum()) if survival else None,
        excluded_cases=excluded_cases(cohort, truth=truth),
        sites_preserved=splits.sites_preserved,
        split_notes=splits.notes,
        folds=fold_summaries(cohort, splits=splits, config=config),
        arms=tuple(arms),
        differences=differences,
        fusions=fusion_weights(predictions),
        uno_horizon_months=uno_horizon_months(truth) if survival else None,
        risk_groups=risk_groups(candidate, truth=truth) if survival else None,
        confusion=confusion_of(candidate, truth=truth) if truth.classes else None,
        targets=target_counts(truth),
        probe=probe,
        obligations=obligations,
        power=power,
        gates=judged,
        passed=all(gate.passed for gate in judged),
    )


def _check_arms(predictions: Mapping[str, pd.DataFrame], *, acceptance: AcceptanceConfig) -> None:
    known = ", ".join(sorted(predictions))
    for key in ("candidate", "compared_to"):
        if (name := getattr(acceptance, key)) not in predictions:
            raise ConfigError(f"acceptance.{key} is '{name}', but the arms are: {known}")
    if acceptance.candidate == acceptance.compared_to:
        raise ConfigError("acceptance: the candidate cannot be compared to itself")


def _check_leaks(cohort: Cohort, *, splits: Splits) -> None:
    tested = {case_id for fold in splits.folds for case_id in fold.test}
    check_splits(splits, cases=[case for case in cohort.cases if case.case_id in tested])
    cases_of: dict[str, set[str]] = defaultdict(set)
    for slide in cohort.slides:
        if slide.case_id in tested and slide.size_bytes > 0:
            cases_of[slide.sha256].add(slide.case_id)
    if shared := [", ".join(sorted(cases)) for cases in cases_of.values() if len(cases) > 1]:
        raise LeakError(f"cases share slide content: {'; '.join(sorted(shared))}")


def _gates(
    arms: Sequence[ArmEvaluation],
    *,
    differences: Sequence[Difference],
    cohort: Cohort,
    splits: Splits,
    truth: Truth,
    teachers: Sequence[TeacherIdentity],
    obligations: Sequence[Obligation],
    probe: ProbeResult,
    acceptance: AcceptanceConfig,
) -> tuple[Gate, ...]:
    by_name = {arm.arm: arm for arm in arms}
    candidate = by_name[acceptance.candidate]
    compared = next(d for d in differences if d.arm == acceptance.compared_to)
    chance = chance_of(truth.task, n_classes=len(truth.classes))
    floor = gates.floor_gate(candidate, acceptance=acceptance, chance=chance)
    n_events = int(truth.event.sum()) if truth.task is Task.SURVIVAL else None
    return (
        floor,
        gates.difference_gate(compared, floor=floor, acceptance=acceptance),
        gates.min_events_gate(n_cases=truth.n_groups, n_events=n_events, acceptance=acceptance),
        *probe_gates.canary_gates(probe, acceptance=acceptance),
        gates.no_leak_gate(
            sites_preserved=splits.sites_preserved,
            has_sites=any(case.site is not None for case in cohort.cases),
        ),
        gates.sound_predictions_gate([candidate, by_name[acceptance.compared_to]]),
        gates.licences_gate(teachers, obligations=obligations, acceptance=acceptance),
        *probe_gates.site_gates(probe, acceptance=acceptance),
        *asked_gates.calibration_gates(None, acceptance=acceptance),
        *asked_gates.subgroup_gates((), acceptance=acceptance),
        *champion_gates(None, floor=floor, acceptance=acceptance),
    )
