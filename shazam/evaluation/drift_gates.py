"""The gate on drift, where the config calls drift critical."""

from __future__ import annotations

from shazam.config.drift import Severity
from shazam.evaluation.drift_result import Drift
from shazam.evaluation.result import Gate


def drift_gates(found: Drift | None) -> tuple[Gate, ...]:
    """Ask that nothing drifted from the reference, and that every teacher could be judged."""
    if found is None or found.config.severity is Severity.WARNING:
        return ()
    text = found.sentence()
    if found.refused and not found.exceeded:
        text += " What is asked for and cannot be judged fails."
    return (
        Gate(
            name="drift",
            passed=not found.refused,
            observed=len(found.exceeded),
            required=0,
            explanation=text,
        ),
    )
