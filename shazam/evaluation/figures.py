"""Figures of the report, as SVG whose bytes repeat: no dates, no random names."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shazam.evaluation.kaplan_meier import RiskGroup, RiskGroups
from shazam.evaluation.result import ArmEvaluation
from shazam.evaluation.wording import metric_label

_INK, _GREY, _LINE = "#1c2733", "#5b6875", "#c9d2da"
_ACCENT, _WARM = "#0b6e99", "#b4532a"
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "shazam",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.0,
    "text.color": _INK,
    "axes.edgecolor": _LINE,
    "axes.labelcolor": _GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _GREY,
    "ytick.color": _INK,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """An image as a data URI, with what it shows in words."""

    uri: str
    alt: str


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
    with _figure(width_in=7.2, height_in=0.9 + 0.36 * len(ordered)) as figure:
        axes = figure.add_subplot()
        for row, arm in enumerate(ordered):
            _interval(axes, arm, row=row, colour=_ACCENT if arm.arm == candidate else _GREY)
        axes.axvline(chance, color=_LINE, linewidth=1.2, zorder=0)
        if floor != chance:
            axes.axvline(floor, color=_WARM, linewidth=1.0, linestyle=(0, (4, 3)), zorder=0)
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
        return _picture(figure, alt=f"{label} of each arm with its 95 % interval: {words}.")


def survival_curves(groups: RiskGroups) -> Picture:
    """Draw the Kaplan-Meier curves of the risk groups with the numbers at risk below."""
    with _figure(width_in=7.2, height_in=4.6) as figure:
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
        return _picture(figure, alt=f"Kaplan-Meier curves of {groups.arm}. {counted}.")


def _interval(axes: Axes, arm: ArmEvaluation, *, row: int, colour: str) -> None:
    primary = arm.primary
    axes.plot([primary.lower, primary.upper], [row, row], color=colour, linewidth=2.0)
    axes.plot([primary.value], [row], marker="o", markersize=6.5, color=colour)


def _colour(group: RiskGroup) -> str:
    return _WARM if group.name.startswith("higher") else _ACCENT


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
    axes.set_title("at risk", loc="left", fontsize=9, color=_GREY)
    axes.tick_params(length=0, labelbottom=False)
    axes.tick_params(axis="y", pad=16)
    for spine in axes.spines.values():
        spine.set_visible(False)


@contextmanager
def _figure(*, width_in: float, height_in: float) -> Iterator[Figure]:
    with mpl.rc_context(_STYLE):
        yield Figure(figsize=(width_in, height_in), layout="constrained")


def _picture(figure: Figure, *, alt: str) -> Picture:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    content = base64.b64encode(buffer.getvalue().encode()).decode()
    return Picture(uri=f"data:image/svg+xml;base64,{content}", alt=alt)
