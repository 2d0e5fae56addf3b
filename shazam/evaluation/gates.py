"""Gates: the criteria that the frozen acceptance file sets for the named candidate."""

from __future__ import annotations

from collections.abc import Sequence

from shazam.config.evaluation import AcceptanceConfig
from shazam.evaluation.bootstrap import lower_without_signal
from shazam.evaluation.probe import Canary
from shazam.evaluation.result import ArmEvaluation, Difference, Gate
from shazam.evaluation.wording import metric_label
from shazam.manifests import TeacherIdentity


def floor_gate(candidate: ArmEvaluation, *, acceptance: AcceptanceConfig) -> Gate:
    """Ask that even the lower bound of the primary metric lies above the floor.

    The bound is wide enough for a model without signal; see :func:`lower_without_signal`.
    """
    lower = lower_without_signal(candidate.primary.value, candidate.primary.lower)
    label = metric_label(candidate.primary.name)
    return Gate(
        name="floor",
        passed=lower > acceptance.floor,
        observed=lower,
        required=acceptance.floor,
        explanation=(
            f"The lower 95 % bound of the candidate's {label} is {lower:.3f}, with the variance "
            "doubled because each fold's test cases train the other folds; it must lie above "
            f"{acceptance.floor:g}."
        ),
    )


def non_inferiority_gate(
    difference: Difference, *, floor: Gate, acceptance: AcceptanceConfig
) -> Gate:
    """Ask that the candidate is not worse than the named arm by more than the margin.

    Without the floor it proves nothing: a null model is not inferior to a null baseline.
    """
    close_enough = difference.lower > -acceptance.margin
    text = (
        f"Candidate minus {difference.arm}: {difference.value:+.3f}, and by the 95 % interval not "
        f"below {difference.lower:+.3f}; it must lie above {-acceptance.margin:+g}."
    )
    if close_enough and not floor.passed:
        text += " That would do, but it counts only together with the floor, which failed."
    return Gate(
        name="non_inferiority",
        passed=close_enough and floor.passed,
        observed=difference.lower,
        required=-acceptance.margin,
        explanation=text,
    )


def min_events_gate(*, n_cases: int, n_events: int | None, acceptance: AcceptanceConfig) -> Gate:
    """Ask for enough events (but for survival: cases) to judge by."""
    observed = n_cases if n_events is None else n_events
    counted = "cases" if n_events is None else "events"
    return Gate(
        name="min_events",
        passed=observed >= acceptance.min_events,
        observed=observed,
        required=acceptance.min_events,
        explanation=(
            f"{observed} {counted} among the tested cases; at least {acceptance.min_events} are "
            "needed to judge."
        ),
    )


def canary_gate(canary: Canary | None, *, acceptance: AcceptanceConfig) -> Gate:
    """Ask that an arm refitted on permuted outcomes does no better than guessing."""
    if canary is None:
        return Gate(
            name="canary",
            passed=False,
            observed=None,
            required=None,
            explanation="No arm was refitted on permuted outcomes, so a leak cannot be ruled out.",
        )
    allowed = acceptance.canary_max_standard_errors * canary.standard_error
    distance = abs(canary.mean - canary.chance)
    return Gate(
        name="canary",
        passed=distance <= allowed,
        observed=distance,
        required=allowed,
        explanation=(
            f"{canary.arm} refitted on {canary.n_permutations} permutations of the outcomes "
            f"averages {metric_label(canary.metric)} {canary.mean:.3f}; guessing gives "
            f"{canary.chance:.3f}, and chance alone explains a distance of {allowed:.3f} "
            f"({acceptance.canary_max_standard_errors:g} standard errors)."
        ),
    )


def no_leak_gate(*, sites_preserved: bool, has_sites: bool) -> Gate:
    """Record that the splits were checked again; a leak raises before any gate is judged."""
    text = "No case, and no slide content, stands in two parts of a fold"
    if sites_preserved:
        text += "; no site of a test part occurs in that fold's training or validation."
    elif has_sites:
        text += ". Sites were allowed to stand in training and test, so they may help the model."
    else:
        text += ". The cohort names no sites, so sites could not be kept apart."
    return Gate(name="no_leak", passed=True, observed=0, required=0, explanation=text)


def sound_predictions_gate(arms: Sequence[ArmEvaluation]) -> Gate:
    """Ask that the arms that the gates compare give finite, varying predictions."""
    faults = []
    for arm in arms:
        if arm.n_not_finite:
            faults.append(f"{arm.arm} gave {arm.n_not_finite} prediction(s) that are no number")
        if arm.constant_folds:
            listed = ", ".join(str(number) for number in arm.constant_folds)
            faults.append(f"{arm.arm} gave every case of fold {listed} the same prediction")
    names = " and ".join(arm.arm for arm in arms)
    return Gate(
        name="sound_predictions",
        passed=not faults,
        observed=len(faults),
        required=0,
        explanation=(
            "; ".join(faults).capitalize() + "."
            if faults
            else f"All predictions of {names} are numbers, and they differ between cases."
        ),
    )


def licences_gate(teachers: Sequence[TeacherIdentity], *, acceptance: AcceptanceConfig) -> Gate:
    """Ask that the licence of every teacher is accepted: a student inherits them all."""
    refused = [
        f"{teacher.name} ({teacher.licence})"
        for teacher in teachers
        if teacher.licence not in acceptance.accepted_licences
    ]
    accepted = ", ".join(acceptance.accepted_licences) or "none"
    return Gate(
        name="licences",
        passed=not refused and bool(teachers),
        observed=len(refused),
        required=0,
        explanation=(
            f"Not listed as accepted for {acceptance.intended_use} use: {', '.join(refused)}; the "
            f"acceptance file lists {accepted}."
            if refused
            else f"The acceptance file lists every teacher's licence as accepted for "
            f"{acceptance.intended_use} use ({accepted})."
        ),
    )
