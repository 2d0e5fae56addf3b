"""Record the verdict on a proposal, made again and signed by the evaluation service."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.integrations.proposing import record_by_service
from shazam.integrations.zenml import step_boundary
from shazam.refs import LedgerRef
from shazam.workspace import Workspace


@step(enable_cache=False)  # the ledger may have changed; a verdict is recorded once
def record_gates(proposal: LedgerRef) -> Annotated[LedgerRef, "gates"]:
    """Evaluate the bundle's evidence and record the gates."""
    with step_boundary():
        return record_by_service(proposal, workspace=Workspace.from_environment())
