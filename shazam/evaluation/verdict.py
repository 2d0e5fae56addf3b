"""The verdict on the named candidate: every gate that the acceptance file sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shazam.cohort.folds import Splits
from shazam.config.acceptance import AcceptanceConfig
from shazam.config.cohort import Task
from shazam.evaluation import asked_gates, gates, probe_gates
from shazam.evaluation.asked_gates import CalibrationFound
from shazam.evaluation.champion_gates import champion_gates
from shazam.evaluation.class_calibration import ClassCalibration
from shazam.evaluation.drift_gates import drift_gates
from shazam.evaluation.drift_result import Drift
from shazam.evaluation.metrics import chance_of
from shazam.evaluation.obligations import Obligation
from shazam.evaluation.probe import ProbeResult
from shazam.evaluation.result import (
    ArmEvaluation,
    ChampionFound,
    Difference,
    Gate,
    PairDifference,
)
from shazam.evaluation.site_gate import site_gate
from shazam.evaluation.subgroups import Subgroup
from shazam.evaluation.survival import SurvivalFindings
from shazam.evaluation.truth import Truth
from shazam.manifests import TeacherIdentity


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found of the arms, at which the gates look.

    Args:
        arms: all arms.
        differences: the candidate minus every other arm.
        pairs: of arms that were asked for.
        survival: of all arms; None but for survival.
        calibration: of the candidate's class probabilities; None but for classification.
        subgroups: of the candidate.
        obligations: the terms of the teachers' licences.
        champion: the comparison to it; None where none was asked for.
    """

    arms: tuple[ArmEvaluation, ...]
    differences: tuple[Difference, ...]
    pairs: tuple[PairDifference, ...]
    survival: SurvivalFindings | None
    calibration: ClassCalibration | None
    subgroups: tuple[Subgroup, ...]
    obligations: tuple[Obligation, ...]
    champion: ChampionFound | None = None


def judge(
    found: Findings,
    *,
    truth: Truth,
    splits: Splits,
    sites: Sequence[str | None],
    teachers: Sequence[TeacherIdentity],
    probe: ProbeResult,
    acceptance: AcceptanceConfig,
    drift: Drift | None = None,
) -> tuple[Gate, ...]:
    """Return every gate; what is asked for and could not be computed fails.

    Args:
        found: what was found of the arms.
        truth: the outcomes.
        splits: the folds.
        sites: of each tested case, of tiles that of the case they are of; None where not known.
        teachers: whose features the candidate reads.
        probe: site probe and canaries.
        acceptance: what the candidate must show.
        drift: from a reference; None where none is named.
    """
    by_name = {arm.arm: arm for arm in found.arms}
    candidate = by_name[acceptance.candidate]
    compared = next(d for d in found.differences if d.arm == acceptance.compared_to)
    chance = chance_of(truth.task, n_classes=truth.n_tested_classes)
    floor = gates.floor_gate(candidate, acceptance=acceptance, chance=chance)
    n_events = int(truth.event.sum()) if truth.task is Task.SURVIVAL else None
    return (
        floor,
        gates.difference_gate(compared, floor=floor, acceptance=acceptance),
        gates.min_events_gate(n_cases=truth.n_groups, n_events=n_events, acceptance=acceptance),
        *probe_gates.canary_gates(probe, acceptance=acceptance),
        gates.no_leak_gate(
            sites_preserved=splits.sites_preserved,
            has_sites=any(site is not None for site in sites),
        ),
        gates.sound_predictions_gate([candidate, by_name[acceptance.compared_to]]),
        gates.licences_gate(teachers, obligations=found.obligations, acceptance=acceptance),
        site_gate(
            probe,
            bound=acceptance.max_site_balanced_accuracy,
            sites=sites,
            sites_preserved=splits.sites_preserved,
            teachers={teacher.name for teacher in teachers},
        ),
        *asked_gates.calibration_gates(
            _calibration_of(found, candidate=acceptance.candidate), acceptance=acceptance
        ),
        *asked_gates.subgroup_gates(found.subgroups, acceptance=acceptance),
        *champion_gates(found.champion, floor=floor, acceptance=acceptance),
        *drift_gates(drift),
    )


def _calibration_of(found: Findings, *, candidate: str) -> CalibrationFound:
    error = None if found.calibration is None else found.calibration.error
    if found.survival is None:
        return CalibrationFound(calibration_error=error)
    own = found.survival.arm(candidate)
    at_horizon = own.calibration
    slope = None if at_horizon is None else at_horizon.slope
    return CalibrationFound(
        slope=None if slope is None else slope.value,
        d_calibration_p=None if own.d_calibration is None else own.d_calibration.p_value,
        calibration_error=error,
        in_the_large=None if at_horizon is None else at_horizon.in_the_large,
    )
