"""The gate that compares the candidate to the model in use."""

from __future__ import annotations

from shazam.config.acceptance import (
    AcceptanceConfig,
    ChampionKind,
    ChampionRule,
    Comparison,
    required_difference,
)
from shazam.evaluation.result import ChampionFound, Gate
from shazam.evaluation.wording import metric_label


def champion_gates(
    found: ChampionFound | None,
    *,
    floor: Gate,
    acceptance: AcceptanceConfig,
    judged_here: ChampionKind = ChampionKind.PROCEDURE,
) -> tuple[Gate, ...]:
    """Ask, where a champion is named that is compared to here, that the candidate holds against it.

    Args:
        found: the comparison, or why there is none.
        floor: the gate that a ``non_inferior`` candidate must pass too.
        acceptance: names the champion, if any.
        judged_here: a run judges the procedure, a measurement on a locked cohort ``locked``.
    """
    rule = acceptance.champion
    if rule is None or rule.kind is not judged_here:
        return ()
    required = required_difference(rule.comparison, rule.margin)
    compared = None if found is None else found.comparison
    if compared is None or compared.kind is not rule.kind:
        return (_not_compared(found, rule=rule, required=required),)
    needs_floor = rule.comparison is Comparison.NON_INFERIOR
    n_counted = compared.n_cases if compared.n_events is None else compared.n_events
    enough = n_counted >= acceptance.min_events
    text = (
        f"Candidate minus champion on {compared.n_cases} cases that neither was trained on "
        f"({compared.kind}): {metric_label(compared.metric)} {compared.difference:+.3f}, and by "
        f"the 95 % interval not below {compared.lower:+.3f}; it must lie above {required:+g}."
    )
    if not enough:
        counted = "cases" if compared.n_events is None else "events"
        text += (
            f" {n_counted} {counted} are among them, too few to judge: at least "
            f"{acceptance.min_events} are needed."
        )
    if needs_floor and not floor.passed:
        text += " It counts only together with the floor, which failed."
    return (
        Gate(
            name="champion",
            passed=enough and compared.lower > required and (floor.passed or not needs_floor),
            observed=compared.lower,
            required=required,
            explanation=text,
        ),
    )


def left_to_locked(acceptance: AcceptanceConfig) -> ChampionFound | None:
    """Return what a run says of a champion that is compared to on a locked cohort alone."""
    rule = acceptance.champion
    if rule is None or rule.kind is not ChampionKind.LOCKED:
        return None
    return ChampionFound(
        bundle_sha256=rule.bundle,
        why_not="it is left to the locked cohort, where 'shazam locked measure' judges it",
    )


def _not_compared(found: ChampionFound | None, *, rule: ChampionRule, required: float) -> Gate:
    text = (
        f"The acceptance file asks for a comparison to the champion ({rule.kind}) on cases that "
        f"neither model was trained on, {_why(found)}."
    )
    return Gate(name="champion", passed=False, observed=None, required=required, explanation=text)


def _why(found: ChampionFound | None) -> str:
    if found is None:
        return "and it was not"
    if found.comparison is None:
        return f"and it was not: {found.why_not}"
    return f"and it was by the {found.comparison.kind}"
