"""Figures of the report."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from shazam.evaluation.drawing import ACCENT, GREY, LINE, WARM, Picture, drawing, picture_of
from shazam.evaluation.kaplan_meier import RiskGroup, RiskGroups
from shazam.evaluation.result import ArmEvaluation
from shazam.evaluation.wording import metric_label
from shazam.explanations import Explanations


def forest(
    arms: Sequence[ArmEvaluation], *, candidate: str, chance: float, floor: float
) -> Picture:
    """Draw every arm's primary metric with its 95 % interval, the best on top.

    Args:
        arms: all arms.
        candidate: the arm to be marked.
        chance: what guessing reaches.
        floor: what the candidate's lower bound must exceed.
    """
    ordered = sorted(arms, key=lambda arm: (arm.primary.value, arm.arm))
    label = metric_label(ordered[0].primary.name)
    with drawing(width_in=7.2, height_in=0.9 + 0.36 * len(ordered)) as figure:
        axes = figure.add_subplot()
        for row, arm in enumerate(ordered):
            _interval(axes, arm, row=row, colour=ACCENT if arm.arm == candidate else GREY)
        axes.axvline(chance, color=LINE, linewidth=1.2, zorder=0)
        if floor != chance:
            axes.axvline(floor, color=WARM, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
        axes.set_yticks(range(len(ordered)), [arm.arm for arm in ordered])
        axes.set_ylim(-0.6, len(ordered) - 0.4)
        lines = "grey line: guessing" if floor == chance else "grey line: guessing, dashed: floor"
        axes.set_xlabel(f"{label}, 95 % interval ({lines})")
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        words = "; ".join(
            f"{arm.arm} {arm.primary.value:.3f} ({arm.primary.lower:.3f} to "
            f"{arm.primary.upper:.3f})"
            for arm in reversed(ordered)
        )
        return picture_of(figure, alt=f"{label} of each arm with its 95 % interval: {words}.")


def survival_curves(groups: RiskGroups) -> Picture:
    """Draw the Kaplan-Meier curves of the risk groups with the numbers at risk below."""
    with drawing(width_in=7.2, height_in=4.6) as figure:
        curves, table = figure.subplots(
            2, 1, sharex=True, gridspec_kw={"height_ratios": [6, len(groups.groups)]}
        )
        for group in groups.groups:
            _curve(curves, group, colour=_colour(group))
        curves.set_ylim(0, 1.02)
        curves.set_xlim(left=0)
        curves.set_ylabel("share without event")
        curves.legend(frameon=False, loc="upper right")
        curves.tick_params(labelbottom=True, length=3)
        curves.set_xticks(groups.tick_months)
        curves.set_xlabel("months")
        _numbers_at_risk(table, groups)
        counted = "; ".join(
            f"{group.name}: {group.n_cases} cases, {group.n_events} events, "
            f"{group.survival[-1]:.0%} without event at the end"
            for group in groups.groups
        )
        return picture_of(figure, alt=f"Kaplan-Meier curves of {groups.arm}. {counted}.")


def gate_weights(found: Explanations) -> Picture:
    """Draw what each teacher weighs at each level: the mean over folds, and each fold as a dot."""
    levels = list(dict.fromkeys(entry.level for entry in found.gates))
    teachers = list(dict.fromkeys(entry.teacher for entry in found.gates))
    with drawing(width_in=7.2, height_in=0.9 + 0.34 * len(teachers)) as figure:
        panels = figure.subplots(1, len(levels), sharex=True, sharey=True, squeeze=False)[0]
        words = []
        for axes, level in zip(panels, levels, strict=True):
            by_teacher = [_weights(found, level=level, teacher=name) for name in teachers]
            means = [sum(weights) / len(weights) for weights in by_teacher]
            axes.barh(range(len(teachers)), means, color=ACCENT, alpha=0.3, height=0.62)
            for row, weights in enumerate(by_teacher):
                axes.plot(weights, [row] * len(weights), "o", color=ACCENT, markersize=3.5)
            axes.axvline(1 / len(teachers), color=LINE, linewidth=1.2, zorder=0)
            axes.set_title(level, loc="left", fontsize=9, color=GREY)
            axes.set_yticks(range(len(teachers)), teachers)
            axes.set_ylim(len(teachers) - 0.5, -0.5)
            axes.set_xlim(0, 1)
            axes.set_xticks([0, 0.5, 1])
            axes.tick_params(axis="y", length=0)
            told = ", ".join(f"{n} {m:.2f}" for n, m in zip(teachers, means, strict=True))
            words.append(f"{level}: {told}")
        figure.supxlabel("weight (grey line: equal weights)", fontsize=10, color=GREY)
        return picture_of(
            figure, alt=f"Mean gate weight of each teacher by level. {'; '.join(words)}."
        )


def _weights(found: Explanations, *, level: str, teacher: str) -> list[float]:
    return [e.mean for e in found.gates if (e.level, e.teacher) == (level, teacher)]


def _interval(axes: Axes, arm: ArmEvaluation, *, row: int, colour: str) -> None:
    primary = arm.primary
    axes.plot([primary.lower, primary.upper], [row, row], color=colour, linewidth=2.0)
    axes.plot([primary.value], [row], marker="o", markersize=6.5, color=colour)


def _colour(group: RiskGroup) -> str:
    return WARM if group.name.startswith("higher") else ACCENT


def _curve(axes: Axes, group: RiskGroup, *, colour: str) -> None:
    label = f"{group.name}: {group.n_cases} cases, {group.n_events} events"
    axes.step(
        group.time_months, group.survival, where="post", color=colour, linewidth=1.8, label=label
    )
    axes.fill_between(
        group.time_months, group.lower, group.upper, step="post", color=colour, alpha=0.12, lw=0
    )


def _numbers_at_risk(axes: Axes, groups: RiskGroups) -> None:
    for row, group in enumerate(groups.groups):
        for tick, count in zip(groups.tick_months, group.at_risk, strict=True):
            axes.text(tick, row, str(count), ha="center", va="center", color=_colour(group))
    axes.set_ylim(len(groups.groups) - 0.5, -0.5)
    axes.set_yticks(range(len(groups.groups)), [group.name for group in groups.groups])
    axes.set_title("at risk", loc="left", fontsize=9, color=GREY)
    axes.tick_params(length=0, labelbottom=False)
    axes.tick_params(axis="y", pad=16)
    for spine in axes.spines.values():
        spine.set_visible(False)
