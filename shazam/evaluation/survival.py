"""What is found of arms that predict survival, beyond how they rank cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from shazam.cohort.folds import Splits
from shazam.config.cohort import Task
from shazam.config.evaluation import EvaluationConfig
from shazam.evaluation.bootstrap import Draws, widened_draws
from shazam.evaluation.brier import (
    BrierScore,
    IntegratedBrier,
    brier_grid,
    integrated_brier,
    weighted_mean,
)
from shazam.evaluation.cox_slope import SlopeInterval, cox_slope, slope_interval
from shazam.evaluation.curves import Curves, curves_in
from shazam.evaluation.d_calibration import DCalibration, d_calibration
from shazam.evaluation.dynamic_auc import (
    DynamicAuc,
    HorizonLeftOut,
    counts_at,
    dynamic_auc,
    judged_horizons,
)
from shazam.evaluation.interval import Interval, interval_of
from shazam.evaluation.kaplan_meier import risk_groups
from shazam.evaluation.metrics import observed
from shazam.evaluation.out_of_fold import OutOfFold
from shazam.evaluation.pairs import Array
from shazam.evaluation.survival_calibration import SurvivalCalibration, survival_calibration
from shazam.evaluation.truth import Truth
from shazam.manifests import Entry


class ArmSurvival(Entry):
    """One arm. ``hazard_ratio`` is for one standard deviation of inner-validation risks.

    ``log_rank_p`` is of the test cases above and below the median inner-validation risk. What
    takes S(t) is None for an arm that only ranks, and ``calibration`` where the curves of a fold
    end before its horizon; ``remark`` says so, and how many draws have no finite slope.
    """

    arm: str
    dynamic_auc: tuple[DynamicAuc, ...]
    hazard_ratio: SlopeInterval | None
    log_rank_p: float | None
    brier: IntegratedBrier | None = None
    calibration: SurvivalCalibration | None = None
    d_calibration: DCalibration | None = None
    remark: str | None = None


class SurvivalFindings(Entry):
    """All arms, on the same horizons and the same grid.

    ``kaplan_meier_brier`` is what the curve of everybody scores from 0 to ``brier_until_months``,
    which every fold of every arm with curves speaks about; ``calibration_left_out`` says why no
    arm's calibration can be judged at the horizon.
    """

    horizons_months: tuple[float, ...]
    horizons_left_out: tuple[HorizonLeftOut, ...]
    calibration_months: float
    calibration_left_out: str | None
    brier_until_months: float | None
    kaplan_meier_brier: Interval | None
    arms: tuple[ArmSurvival, ...]

    def arm(self, name: str) -> ArmSurvival:
        """Return what was found of an arm.

        Raises:
            KeyError: it was not evaluated.
        """
        return {arm.arm: arm for arm in self.arms}[name]


def survival_findings(
    pooled: Mapping[str, OutOfFold],
    *,
    predictions: Mapping[str, pd.DataFrame],
    truth: Truth,
    splits: Splits,
    counts: Array,
    config: EvaluationConfig,
    told: Mapping[str, bool] = MappingProxyType({}),
) -> SurvivalFindings | None:
    """Judge the risks and the curves of all arms; None for other tasks.

    Args:
        pooled: out-of-fold risks of each arm.
        predictions: the predictions table of each arm.
        truth: times, events and folds.
        splits: give the fold that tests each case.
        counts: bootstrap counts float64 ``[n_replicates, n_cases]``.
        config: horizons, and how many events they take.
        told: whether an arm is told from guessing; what ranks say of one that is not is widened.
    """
    if truth.task is not Task.SURVIVAL:
        return None
    curves = {
        arm: found
        for arm in pooled
        if (found := curves_in(predictions[arm], truth=truth, splits=splits)) is not None
    }
    range_months = min((own.range_months for own in curves.values()), default=None)
    judge = _Judge.of(truth, counts=counts, config=config, range_months=range_months)
    score = judge.brier
    reference = None
    if score is not None:
        reference = weighted_mean(score.losses(score.reference), counts=counts)
    return SurvivalFindings(
        horizons_months=judge.horizons_months,
        horizons_left_out=judge.left_out,
        calibration_months=config.calibration_horizon_months,
        calibration_left_out=judge.calibration_left_out,
        brier_until_months=None if score is None else float(score.times_months[-1]),
        kaplan_meier_brier=reference,
        arms=tuple(
            judge.arm(own, curves=curves.get(arm), told=told.get(arm, True))
            for arm, own in pooled.items()
        ),
    )


@dataclass(frozen=True, slots=True)
class _Judge:
    """What all arms are judged by."""

    truth: Truth
    counts: Array
    horizons_months: tuple[float, ...]
    left_out: tuple[HorizonLeftOut, ...]
    calibration_months: float
    calibration_left_out: str | None
    brier: BrierScore | None

    @classmethod
    def of(
        cls,
        truth: Truth,
        *,
        counts: Array,
        config: EvaluationConfig,
        range_months: float | None,
    ) -> _Judge:
        least = config.min_events_per_fold
        judged, left_out = judged_horizons(config.horizons_months, truth=truth, least=least)
        months = config.calibration_horizon_months
        _, no_calibration = judged_horizons([months], truth=truth, least=least)
        reason = no_calibration[0].reason if no_calibration else None
        score = None
        if range_months is not None:
            times_months = brier_grid(truth, range_months=range_months)
            score = BrierScore.of(truth, times_months=times_months)
        return cls(truth, counts, judged, left_out, months, reason, score)

    def arm(self, predicted: OutOfFold, *, curves: Curves | None, told: bool) -> ArmSurvival:
        risk = predicted.scores[:, 0]
        areas = [self._area(risk, months=months, told=told) for months in self.horizons_months]
        groups = risk_groups(predicted, truth=self.truth, told=told)
        found = ArmSurvival(
            arm=predicted.arm,
            dynamic_auc=tuple(area for area in areas if area is not None),
            hazard_ratio=self._hazard_ratio(risk, told=told),
            log_rank_p=groups.log_rank_p,
        )
        if curves is None:
            remark = "no survival curves in the predictions: only its ranks are judged"
            found = found.model_copy(update={"remark": remark})
        else:
            found = found.model_copy(update=self._of_curves(curves))
        return found.model_copy(update={"remark": _remarks(found)})

    def _of_curves(
        self, curves: Curves
    ) -> dict[str, IntegratedBrier | SurvivalCalibration | DCalibration | str | None]:
        calibration, remark = None, None
        if self.calibration_months > curves.range_months:
            remark = f"no calibration: its curves end at {curves.range_months:g} months"
        elif self.calibration_left_out is None:
            calibration = survival_calibration(
                curves,
                truth=self.truth,
                counts=self.counts,
                horizon_months=self.calibration_months,
            )
        brier = None
        if self.brier is not None:
            brier = integrated_brier(curves, score=self.brier, counts=self.counts)
        return {
            "brier": brier,
            "calibration": calibration,
            "d_calibration": d_calibration(curves, truth=self.truth),
            "remark": remark,
        }

    def _area(self, risk: Array, *, months: float, told: bool) -> DynamicAuc | None:
        metric = dynamic_auc(risk, truth=self.truth, horizon_months=months)
        value = observed(metric, n_cases=len(risk))
        area = interval_of(value, replicates=metric(self.counts), told=told)
        if area is None:
            return None
        n_events, n_beyond = counts_at(months, truth=self.truth)
        return DynamicAuc(months=months, n_events=n_events, n_beyond=n_beyond, auc=area)

    def _hazard_ratio(self, risk: Array, *, told: bool) -> SlopeInterval | None:
        if not np.isfinite(risk).all():
            return None
        slopes = cox_slope(
            risk,
            time_months=self.truth.time_months,
            event=self.truth.event,
            stratum=self.truth.fold,
            counts=np.vstack([np.ones((1, len(risk))), self.counts]),
        )
        if not told:
            slopes[1:] = widened_draws(Draws(float(slopes[0]), slopes[1:]))
        with np.errstate(over="ignore"):  # what is too great for a number counts as unbounded
            return slope_interval(np.exp(slopes))


def _remarks(found: ArmSurvival) -> str | None:
    slope = None if found.calibration is None else found.calibration.slope
    said = (
        found.remark,
        None if found.hazard_ratio is None else found.hazard_ratio.remark("hazard ratio"),
        None if slope is None else slope.remark("slope"),
    )
    return "; ".join(one for one in said if one is not None) or None
