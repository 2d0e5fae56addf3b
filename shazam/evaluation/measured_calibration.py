"""The calibration of a registered model on a locked cohort, as far as its predictions tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shazam.config.cohort import Task
from shazam.config.evaluation import EvaluationConfig
from shazam.evaluation.asked_gates import CalibrationFound
from shazam.evaluation.class_calibration import class_calibration
from shazam.evaluation.curves import Curves, curves_in
from shazam.evaluation.d_calibration import d_calibration
from shazam.evaluation.dynamic_auc import judged_horizons
from shazam.evaluation.measured_tables import ScoredModel, locked_splits
from shazam.evaluation.pairs import Array
from shazam.evaluation.result import Gate
from shazam.evaluation.survival_calibration import SurvivalCalibration, survival_calibration
from shazam.evaluation.truth import Truth


@dataclass(frozen=True, slots=True)
class LockedCalibration:
    """What is known, and why not more; ``remark`` is None where nothing is left out."""

    found: CalibrationFound
    remark: str | None = None


def calibration_found(
    model: ScoredModel, *, truth: Truth, counts: Array, config: EvaluationConfig
) -> LockedCalibration:
    """Return the calibration of a model's predictions of the locked cases.

    Args:
        model: with its predictions.
        truth: the outcomes, as one fold.
        counts: bootstrap counts float64 ``[n_replicates, n_cases]``.
        config: the horizon, and how many events it takes.
    """
    match truth.task:
        case Task.REGRESSION:
            return LockedCalibration(CalibrationFound())
        case Task.CLASSIFICATION:
            of_classes = class_calibration(model.scores(truth), truth=truth, counts=counts)
            error = None if of_classes is None else of_classes.error
            return LockedCalibration(CalibrationFound(calibration_error=error))
        case Task.SURVIVAL:
            curves = curves_in(model.table, truth=truth, splits=locked_splits(truth.case_ids))
            if curves is None:
                remark = "The bundle predicts risks and no survival curves."
                return LockedCalibration(CalibrationFound(), remark)
            return _of_curves(curves, truth=truth, counts=counts, config=config)


def with_reason(gates: Sequence[Gate], *, reason: str | None) -> tuple[Gate, ...]:
    """Say at each gate that could not be computed why."""
    return tuple(
        gate.model_copy(update={"explanation": f"{gate.explanation} {reason}"})
        if reason is not None and gate.observed is None
        else gate
        for gate in gates
    )


def _of_curves(
    curves: Curves, *, truth: Truth, counts: Array, config: EvaluationConfig
) -> LockedCalibration:
    months = config.calibration_horizon_months
    _, left_out = judged_horizons([months], truth=truth, least=config.min_events_per_fold)
    remark: str | None = None
    at_horizon: SurvivalCalibration | None = None
    if left_out:
        remark = f"The horizon of {months:g} months: {left_out[0].reason}."
    elif months > curves.range_months:
        remark = f"The curves end at {curves.range_months:g} months, before the horizon."
    else:
        at_horizon = survival_calibration(curves, truth=truth, counts=counts, horizon_months=months)
    slope = None if at_horizon is None else at_horizon.slope
    uniform = d_calibration(curves, truth=truth)
    found = CalibrationFound(
        slope=None if slope is None else slope.value,
        d_calibration_p=None if uniform is None else uniform.p_value,
        in_the_large=None if at_horizon is None else at_horizon.in_the_large,
    )
    return LockedCalibration(found, remark)
