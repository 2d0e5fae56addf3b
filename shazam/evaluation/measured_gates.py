"""Gates on a registered model that only a locked cohort can judge in this way."""

from __future__ import annotations

from shazam.config.acceptance import (
    AcceptanceConfig,
    CandidateCanary,
    ChampionKind,
    Comparison,
)
from shazam.evaluation.measured import MeasuredModel, NotJudged
from shazam.evaluation.out_of_fold import OutOfFold
from shazam.evaluation.result import Gate
from shazam.evaluation.wording import metric_label


def locked_floor_gate(
    release: MeasuredModel, *, primary: str, acceptance: AcceptanceConfig, chance: float
) -> Gate:
    """Ask that the lower bound of the primary metric lies above the floor, and above guessing.

    Unlike in cross-validation no tested case trained a member, so the bound is as drawn.

    Args:
        release: its metrics on the locked cases.
        primary: name of the primary metric.
        acceptance: the floor.
        chance: what guessing gives by the primary metric.
    """
    required = max(acceptance.floor, chance)
    lower = {metric.name: metric.lower for metric in release.metrics}.get(primary)
    label = metric_label(primary)
    if lower is None:
        text = f"The release's {label} could not be computed; it must lie above {required:.3g}."
    else:
        text = (
            f"The lower 95 % bound of the registered model's {label} on the locked cases is "
            f"{lower:.3f}; it must lie above {required:.3g}, the greater of the floor "
            f"({acceptance.floor:g}) and what guessing gives ({chance:.3g})."
        )
    return Gate(
        name="floor",
        passed=lower is not None and lower > required,
        observed=lower,
        required=required,
        explanation=text,
    )


def coverage_gate(*, n_locked: int, n_scored: int, most: float) -> Gate:
    """Ask that few locked cases lack features: what fails is not to be set aside.

    Args:
        n_locked: all locked cases.
        n_scored: those that have features.
        most: share of cases that may lack them, 0 to 1.
    """
    n_missing = n_locked - n_scored
    return Gate(
        name="coverage",
        passed=n_missing <= most * n_locked,
        observed=n_missing / n_locked,
        required=most,
        explanation=(
            f"{n_missing} of {n_locked} locked cases could not be scored, as they have no "
            f"features; at most {100 * most:g} % may be."
        ),
    )


def sound_release_gate(scores: OutOfFold) -> Gate:
    """Ask that the release gives finite, varying predictions of the locked cases."""
    faults = []
    if scores.n_not_finite:
        faults.append(f"{scores.n_not_finite} prediction(s) that are no number")
    if scores.constant_folds:
        faults.append("the same prediction for every locked case")
    return Gate(
        name="sound_predictions",
        passed=not faults,
        observed=len(faults),
        required=0,
        explanation=(
            f"The release gave {' and '.join(faults)}."
            if faults
            else "All predictions of the release are numbers, and they differ between cases."
        ),
    )


def unseen_gate(*, n_models: int, sites_promised: bool) -> Gate:
    """Record what was compared to the bundles; a leak raises before any gate is judged."""
    what = "No locked case, and no content of its slides, "
    what += "and no site of them, " if sites_promised else ""
    whom = "the release was" if n_models == 1 else "the release or the champion was"
    text = f"{what}is among what {whom} trained on."
    if not sites_promised:
        text += " Sites were not promised to be kept apart, so they may help the model."
    return Gate(name="no_leak", passed=True, observed=0, required=0, explanation=text)


def not_judged(acceptance: AcceptanceConfig) -> tuple[NotJudged, ...]:
    """Return the gates that the run judged, and that a bundle alone cannot be judged by."""
    inferior = acceptance.comparison is Comparison.NON_INFERIOR
    arm = acceptance.compared_to
    refits = "arms are refitted by the run, and nothing is fitted here"
    found = [
        NotJudged(
            name="non_inferiority" if inferior else "superiority",
            why=f"the arm '{arm}' is not in the bundle: the run compares to it",
        ),
        NotJudged(name="canary", why=refits),
    ]
    if acceptance.candidate_canary is CandidateCanary.REQUIRED:
        found.append(NotJudged(name="canary_candidate", why=refits))
    found.append(NotJudged(name="site_probe", why="probes are fitted by the run"))
    rule = acceptance.champion
    if rule is not None and rule.kind is ChampionKind.PROCEDURE:
        found.append(
            NotJudged(name="champion", why="the run compares the procedure, as it is asked to")
        )
    return tuple(found)
