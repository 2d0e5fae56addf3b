"""Gates: the criteria that the frozen acceptance file sets for the named candidate."""

from __future__ import annotations

from collections.abc import Sequence

from shazam.config.acceptance import AcceptanceConfig, Comparison
from shazam.evaluation.obligations import Obligation
from shazam.evaluation.result import ArmEvaluation, Difference, Gate
from shazam.evaluation.wording import metric_label
from shazam.manifests import TeacherIdentity


def required_floor(acceptance: AcceptanceConfig, *, chance: float) -> float:
    """Return what the primary metric must lie above: the floor, and never less than guessing.

    Args:
        acceptance: the floor.
        chance: what guessing gives by the primary metric.
    """
    return max(acceptance.floor, chance)


def floor_gate(candidate: ArmEvaluation, *, acceptance: AcceptanceConfig, chance: float) -> Gate:
    """Ask that even the lower bound of the primary metric lies above floor and guessing.

    The bound is wide enough for a model without signal; see
    :func:`~shazam.evaluation.bootstrap.lower_without_signal`.

    Args:
        candidate: the named candidate.
        acceptance: the floor.
        chance: what guessing gives by the primary metric.
    """
    lower = candidate.lower_without_signal
    required = required_floor(acceptance, chance=chance)
    label = metric_label(candidate.primary.name)
    text = (
        f"The lower 95 % bound of the candidate's {label} is {lower:.3f}, with the variance "
        "doubled because each fold's test cases train the other folds; it must lie above "
        f"{required:.4g}."
    )
    if acceptance.floor < chance:
        text += (
            f" The acceptance file's floor of {acceptance.floor:g} lies below what guessing gives "
            f"({chance:.4g}), and counts as that."
        )
    return Gate(
        name="floor",
        passed=lower > required,
        observed=lower,
        required=required,
        explanation=text,
    )


def difference_gate(difference: Difference, *, floor: Gate, acceptance: AcceptanceConfig) -> Gate:
    """Ask that the candidate is not inferior, or is superior, to the named arm.

    Without the floor non-inferiority proves nothing: a null model is not inferior to a null
    baseline.
    """
    required = acceptance.required_difference
    reached = difference.lower > required
    needs_floor = acceptance.comparison is Comparison.NON_INFERIOR
    text = (
        f"Candidate minus {difference.arm}: {difference.value:+.3f}, and by the 95 % interval not "
        f"below {difference.lower:+.3f}; it must lie above {required:+g}."
    )
    if needs_floor and reached and not floor.passed:
        text += " That would do, but it counts only together with the floor, which failed."
    return Gate(
        name="non_inferiority" if needs_floor else "superiority",
        passed=reached and (floor.passed or not needs_floor),
        observed=difference.lower,
        required=required,
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
    faults = [f"{arm.arm} gave {fault}" for arm in arms for fault in arm.faults]
    names = " and ".join(arm.arm for arm in arms)
    return Gate(
        name="sound_predictions",
        passed=not faults,
        observed=len(faults),
        required=0,
        explanation=(
            "; ".join(faults) + "."
            if faults
            else f"All predictions of {names} are numbers, and they differ between cases."
        ),
    )


def licences_gate(
    teachers: Sequence[TeacherIdentity],
    *,
    obligations: Sequence[Obligation],
    acceptance: AcceptanceConfig,
) -> Gate:
    """Ask that every teacher's licence is accepted and that no term forbids the intended use."""
    use = acceptance.intended_use
    refused = [
        f"{teacher.name} ({teacher.licence})"
        for teacher in teachers
        if teacher.licence not in acceptance.accepted_licences
    ]
    forbidding = [
        f"{one.duty} ({', '.join(one.teachers)})" for one in obligations if one.forbids_use
    ]
    accepted = ", ".join(acceptance.accepted_licences) or "none"
    faults = []
    if not teachers:
        faults.append("No teacher is known whose licence could be judged.")
    if refused:
        faults.append(
            f"Not listed as accepted for {use} use: {', '.join(refused)}; the acceptance file "
            f"lists {accepted}."
        )
    if forbidding:
        faults.append(f"Forbids {use} use: {'; '.join(forbidding)}.")
    duties = "; ".join(one.duty for one in obligations) or "none"
    fine = (
        f"The acceptance file lists every teacher's licence as accepted for {use} use "
        f"({accepted}). The student inherits their duties: {duties}."
    )
    return Gate(
        name="licences",
        passed=not faults,
        observed=len(refused) + len(forbidding),
        required=0,
        explanation=" ".join(faults) or fine,
    )
