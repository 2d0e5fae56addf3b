"""Figures of AUC over time and of calibration."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from shazam.evaluation.class_calibration import ClassCalibration
from shazam.evaluation.drawing import ACCENT, GREY, LINE, Picture, drawing, picture_of
from shazam.evaluation.interval import Interval
from shazam.evaluation.survival import ArmSurvival
from shazam.evaluation.survival_calibration import SurvivalCalibration


def auc_over_time(arms: Sequence[ArmSurvival], *, candidate: str) -> Picture | None:
    """Draw the time-dependent AUC of all arms at each horizon, the candidate with its interval.

    Args:
        arms: all arms; those without an AUC are left out.
        candidate: the arm to be marked.

    Returns:
        None where no arm has an AUC.
    """
    drawn = sorted((arm for arm in arms if arm.dynamic_auc), key=lambda arm: arm.arm == candidate)
    if not drawn:
        return None
    with drawing(width_in=7.2, height_in=3.4) as figure:
        axes = figure.add_subplot()
        for number, arm in enumerate(drawn):
            marked = arm.arm == candidate
            label = candidate if marked else "other arms" if number == 0 else None
            _auc_line(axes, arm, marked=marked, label=label)
        axes.axhline(0.5, color=LINE, linewidth=1.2, zorder=0)
        axes.set_xticks(sorted({area.months for arm in drawn for area in arm.dynamic_auc}))
        axes.set_xlabel("horizon in months")
        axes.set_ylabel("time-dependent AUC")
        figure.legend(frameon=False, loc="outside upper right", ncols=2, fontsize=9)
        words = "; ".join(
            f"{arm.arm} "
            + ", ".join(f"{area.auc.value:.3f} at {area.months:g}" for area in arm.dynamic_auc)
            for arm in reversed(drawn)
        )
        return picture_of(figure, alt=f"Time-dependent AUC by horizon in months: {words}.")


def calibration_curve(found: SurvivalCalibration, *, arm: str) -> Picture:
    """Draw, for groups of cases, the predicted against the observed share of events.

    Args:
        found: calibration at one horizon.
        arm: whose it is.
    """
    dots = [(point.predicted, point.observed) for point in found.points]
    words = "; ".join(
        f"predicted {point.predicted:.2f}, observed {point.observed.value:.2f} "
        f"({point.n_cases} cases)"
        for point in found.points
    )
    return _against_diagonal(
        dots,
        labels=(
            f"predicted share with event by {found.months:g} months",
            "observed share (Kaplan-Meier)",
        ),
        alt=f"Calibration of {arm} at {found.months:g} months: {words}.",
    )


def confidence_curve(found: ClassCalibration) -> Picture | None:
    """Draw, for groups of cases, the probability of the named class against how often it is right.

    Returns:
        None where there are no groups.
    """
    if not found.points:
        return None
    words = "; ".join(
        f"claimed {point.confidence:.2f}, right {point.accuracy.value:.2f} ({point.n_cases} cases)"
        for point in found.points
    )
    return _against_diagonal(
        [(point.confidence, point.accuracy) for point in found.points],
        labels=("probability of the class that was named", "share that is right"),
        alt=f"Calibration of {found.arm}: {words}.",
    )


def _against_diagonal(
    dots: Sequence[tuple[float, Interval]], *, labels: tuple[str, str], alt: str
) -> Picture:
    with drawing(width_in=4.6, height_in=4.0) as figure:
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], color=LINE, linewidth=1.2, zorder=0)
        for claimed, seen in dots:
            if seen.lower is not None and seen.upper is not None:
                axes.plot([claimed] * 2, [seen.lower, seen.upper], color=ACCENT, lw=1.6)
        axes.plot(
            [claimed for claimed, _ in dots],
            [seen.value for _, seen in dots],
            "o-",
            color=ACCENT,
            linewidth=0.8,
            markersize=6,
        )
        axes.set_xlim(-0.02, 1.02)
        axes.set_ylim(-0.02, 1.02)
        axes.set_aspect("equal")
        axes.set_xlabel(labels[0])
        axes.set_ylabel(labels[1])
        return picture_of(figure, alt=alt)


def _auc_line(axes: Axes, arm: ArmSurvival, *, marked: bool, label: str | None) -> None:
    months = [area.months for area in arm.dynamic_auc]
    axes.plot(
        months,
        [area.auc.value for area in arm.dynamic_auc],
        "o-",
        color=ACCENT if marked else GREY,
        linewidth=2.0 if marked else 0.9,
        markersize=6 if marked else 3.5,
        alpha=1.0 if marked else 0.5,
        label=label,
    )
    for area in arm.dynamic_auc if marked else ():
        if area.auc.lower is not None and area.auc.upper is not None:
            axes.plot([area.months] * 2, [area.auc.lower, area.auc.upper], color=ACCENT, lw=1.6)
