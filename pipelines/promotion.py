"""The pipeline that proposes a registered version and records its gates; people approve."""

from __future__ import annotations

from zenml import pipeline

from shazam.refs import RegistrationRef
from steps.promote_challenger import promote_challenger
from steps.propose import propose
from steps.record_gates import record_gates


@pipeline(name="promotion", enable_cache=False)
def promotion(registered: RegistrationRef, target: str) -> None:
    """From a registered version to a proposal whose verdict is recorded.

    A challenger whose gates passed is promoted; a champion waits for approvals, and for a verdict
    on a locked cohort, which no pipeline opens by itself.

    Args:
        registered: the version.
        target: ``challenger`` or ``champion``.
    """
    proposal = propose(registered, target)
    gates = record_gates(proposal)
    if target == "challenger":
        promote_challenger(proposal, gates)
