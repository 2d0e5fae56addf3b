"""Arms against each other on the same cases, and the verdict on the named candidate.

Reads predictions and probes; fits nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from shazam.cohort.folds import Splits
from shazam.cohort.leaks import check_no_leaks
from shazam.cohort.model import Cohort
from shazam.config.acceptance import AcceptanceConfig
from shazam.config.cohort import Task
from shazam.config.evaluation import EvaluationConfig
from shazam.digest import digest_of
from shazam.errors import ConfigError
from shazam.evaluation.asked import Asked
from shazam.evaluation.bootstrap import site_counts
from shazam.evaluation.censoring import follow_up_months
from shazam.evaluation.champion_gates import left_to_locked
from shazam.evaluation.class_calibration import class_calibration
from shazam.evaluation.comparison import (
    asked_differences,
    paired_differences,
    score_arm,
    with_sites,
)
from shazam.evaluation.drift_result import Drift
from shazam.evaluation.earlier import EarlierFreeze
from shazam.evaluation.kaplan_meier import RiskGroups, risk_groups
from shazam.evaluation.metrics import primary_metric
from shazam.evaluation.obligations import obligations_of
from shazam.evaluation.pairs import Array
from shazam.evaluation.power import Power
from shazam.evaluation.probe import ProbeResult
from shazam.evaluation.procedure import ScoredChampion, compare_procedure
from shazam.evaluation.result import ArmEvaluation, EvaluationResult, Gate
from shazam.evaluation.subgroups import subgroups_of
from shazam.evaluation.summaries import (
    confusion_of,
    excluded_cases,
    fold_summaries,
    fusion_weights,
    target_counts,
)
from shazam.evaluation.survival import survival_findings
from shazam.evaluation.verdict import Findings, judge
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
    champion: ScoredChampion | None = None,
    earlier: Sequence[EarlierFreeze] = (),
    drift: Drift | None = None,
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
        champion: what the champion predicts of the cases that it never saw.
        earlier: what was frozen before for these folds, or for others of this cohort.
        drift: from a reference cohort; None where none is named.

    Raises:
        ConfigError: the candidate or the arm it is compared to was not run, or nothing can be
            compared.
        ArtifactError: an arm lacks cases or columns.
        LeakError: a case, slide content or promised site stands in two parts.
    """
    _check_arms(predictions, acceptance=acceptance)
    check_no_leaks(splits, cohort=cohort)
    asked = Asked.of(
        predictions,
        cohort=cohort,
        splits=splits,
        acceptance=acceptance,
        config=config,
        champion=champion,
    )
    found = _found(asked, teachers=teachers, champion=champion)
    gates = judge(
        found,
        truth=asked.truth,
        splits=splits,
        sites=asked.sites,
        teachers=teachers,
        probe=probe,
        acceptance=acceptance,
        drift=drift,
    )
    result = _result(asked, found=found, gates=gates, teachers=teachers, probe=probe)
    return result.model_copy(
        update={"power": power, "earlier_freezes": tuple(earlier), "drift": drift}
    )


def _check_arms(predictions: Mapping[str, pd.DataFrame], *, acceptance: AcceptanceConfig) -> None:
    known = ", ".join(sorted(predictions))
    for key in ("candidate", "compared_to"):
        if (name := getattr(acceptance, key)) not in predictions:
            raise ConfigError(f"acceptance.{key} is '{name}', but the arms are: {known}")
    if acceptance.candidate == acceptance.compared_to:
        raise ConfigError("acceptance: the candidate cannot be compared to itself")


def _found(
    asked: Asked, *, teachers: Sequence[TeacherIdentity], champion: ScoredChampion | None
) -> Findings:
    truth, counts, config = asked.truth, asked.counts, asked.config
    arms, replicates, by_site = _scored(asked)
    told = {arm.arm: not arm.widened for arm in arms}
    return Findings(
        arms=arms,
        differences=paired_differences(
            arms,
            replicates=replicates,
            candidate=asked.acceptance.candidate,
            by_site=by_site,
        ),
        pairs=asked_differences(arms, replicates=replicates, pairs=config.pairs, by_site=by_site),
        survival=survival_findings(
            asked.pooled,
            predictions=asked.predictions,
            truth=truth,
            splits=asked.splits,
            counts=counts,
            config=config,
            told=told,
        ),
        calibration=class_calibration(asked.candidate, truth=truth, counts=counts),
        subgroups=subgroups_of(
            asked.candidate,
            cohort=asked.cohort,
            truth=truth,
            counts=counts,
            config=config,
            told=told[asked.acceptance.candidate],
        ),
        obligations=obligations_of(teachers, acceptance=asked.acceptance),
        champion=left_to_locked(asked.acceptance)
        if champion is None
        else compare_procedure(
            asked.candidate,
            champion=champion,
            truth=truth,
            splits=asked.splits,
            cohort=asked.cohort,
            config=config,
            told=told[asked.acceptance.candidate],
        ),
    )


def _scored(
    asked: Asked,
) -> tuple[tuple[ArmEvaluation, ...], dict[str, Array], dict[str, Array]]:
    """Return all arms, and the replicates of their primary metric by draws of cases and sites."""
    truth = asked.truth
    site_of = {case.case_id: case.site for case in asked.cohort.cases}
    by_site_counts = site_counts(
        [site_of[case_id] for case_id in truth.case_ids],
        groups=truth.groups or truth.case_ids,
        n_replicates=asked.config.bootstrap,
        seed=asked.config.seed,
    )
    arms: list[ArmEvaluation] = []
    by_case: dict[str, Array] = {}
    by_site: dict[str, Array] = {}
    for arm, scored in asked.pooled.items():
        evaluated, by_case[arm] = score_arm(
            scored, truth=truth, counts=asked.counts, chance=asked.chance
        )
        evaluated, clustered = with_sites(
            evaluated, scored=scored, truth=truth, counts=by_site_counts
        )
        if clustered is not None:
            by_site[arm] = clustered
        arms.append(evaluated)
    return tuple(arms), by_case, by_site


def _result(
    asked: Asked,
    *,
    found: Findings,
    gates: tuple[Gate, ...],
    teachers: Sequence[TeacherIdentity],
    probe: ProbeResult,
) -> EvaluationResult:
    cohort, splits, truth = asked.cohort, asked.splits, asked.truth
    survival = truth.task is Task.SURVIVAL
    return EvaluationResult(
        task=truth.task,
        primary_metric=primary_metric(truth),
        candidate=asked.acceptance.candidate,
        teachers=tuple(teacher.name for teacher in teachers),
        cohort_sha256=cohort.digest,
        splits_sha256=digest_of(splits),
        acceptance_sha256=digest_of(asked.acceptance),
        acceptance=asked.acceptance,
        config=asked.config,
        n_cases_in=len(cohort.cases),
        n_slides_in=len(cohort.slides),
        n_cases=len(truth.case_ids),
        n_events=int(truth.event.sum()) if survival else None,
        n_tested_classes=truth.n_tested_classes,
        excluded_cases=excluded_cases(cohort, truth=truth),
        sites_preserved=splits.sites_preserved,
        split_notes=splits.notes,
        folds=fold_summaries(cohort, splits=splits, config=asked.config),
        arms=found.arms,
        differences=found.differences,
        pairs=found.pairs,
        fusions=fusion_weights(asked.predictions),
        uno_horizon_months=follow_up_months(truth) if survival else None,
        survival=found.survival,
        risk_groups=_groups(asked, found=found) if survival else None,
        confusion=confusion_of(asked.candidate, truth=truth) if truth.classes else None,
        calibration=found.calibration,
        subgroups=found.subgroups,
        targets=target_counts(truth),
        champion=found.champion,
        probe=probe,
        obligations=found.obligations,
        gates=gates,
        passed=all(gate.passed for gate in gates),
    )


def _groups(asked: Asked, *, found: Findings) -> RiskGroups:
    own = next(arm for arm in found.arms if arm.arm == asked.acceptance.candidate)
    return risk_groups(asked.candidate, truth=asked.truth, told=not own.widened)
