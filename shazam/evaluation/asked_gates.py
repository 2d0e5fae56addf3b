"""Gates that an acceptance file may ask for: calibration, and a floor for each subgroup."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from shazam.config.acceptance import AcceptanceConfig, CalibrationRule
from shazam.evaluation.result import Gate
from shazam.evaluation.subgroups import Subgroup


@dataclass(frozen=True, slots=True)
class CalibrationFound:
    """What is known of the candidate's calibration; None where it cannot be computed.

    Args:
        slope: at the horizon; 1 is perfect.
        d_calibration_p: p-value of D-calibration.
        calibration_error: expected calibration error of class probabilities.
        in_the_large: mean predicted risk minus the observed share of events, by the horizon.
    """

    slope: float | None = None
    d_calibration_p: float | None = None
    calibration_error: float | None = None
    in_the_large: float | None = None


def calibration_gates(
    found: CalibrationFound | None, *, acceptance: AcceptanceConfig
) -> tuple[Gate, ...]:
    """Ask for each bound of calibration that the acceptance file sets."""
    rule = acceptance.calibration
    if rule is None:
        return ()
    known = found or CalibrationFound()
    gates = []
    if rule.slope_min is not None or rule.slope_max is not None:
        gates.append(_slope_gate(known.slope, rule=rule))
    if (most := rule.max_calibration_in_the_large) is not None:
        gates.append(_level_gate(known.in_the_large, most=most))
    if rule.d_calibration_min_p is not None:
        gates.append(_d_calibration_gate(known.d_calibration_p, least=rule.d_calibration_min_p))
    if rule.max_calibration_error is not None:
        gates.append(_error_gate(known.calibration_error, most=rule.max_calibration_error))
    return tuple(gates)


def subgroup_gates(
    subgroups: Sequence[Subgroup], *, acceptance: AcceptanceConfig
) -> tuple[Gate, ...]:
    """Ask that no subgroup of a named column falls below its floor.

    Subgroups with too few cases to be judged are named and not judged; a column without any that
    can be judged fails.
    """
    return tuple(
        _subgroup_gate(column, [one for one in subgroups if one.column == column], floor=floor)
        for column, floor in sorted(acceptance.subgroup_floors.items())
    )


def _slope_gate(slope: float | None, *, rule: CalibrationRule) -> Gate:
    low, high = rule.slope_min, rule.slope_max
    asked = " and ".join(
        [
            *([f"at least {low:g}"] if low is not None else []),
            *([f"at most {high:g}"] if high is not None else []),
        ]
    )
    name = "calibration_slope"
    if slope is None or not math.isfinite(slope):
        return _not_computed(name, "the calibration slope", asked, required=_nearest(1.0, rule))
    fits = (low is None or slope >= low) and (high is None or slope <= high)
    return Gate(
        name=name,
        passed=fits,
        observed=slope,
        required=_nearest(slope, rule),
        explanation=f"The candidate's calibration slope is {slope:.3f}; it must be {asked}.",
    )


def _nearest(slope: float, rule: CalibrationRule) -> float:
    bounds = [bound for bound in (rule.slope_min, rule.slope_max) if bound is not None]
    return min(bounds, key=lambda bound: abs(bound - slope))


def _level_gate(difference: float | None, *, most: float) -> Gate:
    name = "calibration_in_the_large"
    if difference is None or not math.isfinite(difference):
        return _not_computed(name, "calibration-in-the-large", f"at most {most:g}", required=most)
    direction = "more" if difference > 0 else "fewer"
    return Gate(
        name=name,
        passed=abs(difference) <= most,
        observed=abs(difference),
        required=most,
        explanation=(
            f"By the horizon the candidate expects {100 * abs(difference):.1f} events in 100 cases "
            f"{direction} than Kaplan-Meier observes; at most {100 * most:g} are accepted."
        ),
    )


def _d_calibration_gate(p_value: float | None, *, least: float) -> Gate:
    name = "d_calibration"
    if p_value is None or not math.isfinite(p_value):
        return _not_computed(name, "D-calibration", f"p at least {least:g}", required=least)
    return Gate(
        name=name,
        passed=p_value >= least,
        observed=p_value,
        required=least,
        explanation=(
            f"The test of D-calibration gives p = {p_value:.3f}; below {least:g} the predicted "
            "survival would not fit what happened."
        ),
    )


def _error_gate(error: float | None, *, most: float) -> Gate:
    name = "calibration_error"
    if error is None or not math.isfinite(error):
        return _not_computed(name, "the calibration error", f"at most {most:g}", required=most)
    return Gate(
        name=name,
        passed=error <= most,
        observed=error,
        required=most,
        explanation=(
            f"The expected calibration error of the candidate's probabilities is {error:.3f}; at "
            f"most {most:g} is accepted."
        ),
    )


def _subgroup_gate(column: str, groups: Sequence[Subgroup], *, floor: float) -> Gate:
    name = f"subgroup_{column}"
    judged = {
        f"{one.group} (n = {one.n_cases})": one.value
        for one in groups
        if one.value is not None and math.isfinite(one.value)
    }
    small = sorted(one.group for one in groups if one.value is None or not math.isfinite(one.value))
    if not judged:
        why = f"too few cases in {', '.join(small)}" if small else "no case is known by it"
        return _not_computed(name, f"subgroups by {column} ({why})", f"at least {floor:g}", floor)
    worst = min(judged, key=lambda group: judged[group])
    below = [f"{group}: {value:.3f}" for group, value in sorted(judged.items()) if value < floor]
    text = (
        f"By {column}, {len(judged)} subgroup(s) were judged by their value; each must reach "
        f"{floor:g}. "
    )
    text += f"Below: {', '.join(below)}." if below else f"The least is {worst}."
    if small:
        text += f" Too few cases to judge: {', '.join(small)}."
    return Gate(
        name=name, passed=not below, observed=judged[worst], required=floor, explanation=text
    )


def _not_computed(name: str, what: str, asked: str, required: float) -> Gate:
    return Gate(
        name=name,
        passed=False,
        observed=None,
        required=required,
        explanation=(
            f"The acceptance file asks for {what} ({asked}), which could not be computed for the "
            "candidate."
        ),
    )
