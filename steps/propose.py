"""Propose a registered version, signed by the training service."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.integrations.proposing import propose_by_service
from shazam.integrations.zenml import step_boundary
from shazam.promotion.policy.document import Target
from shazam.refs import LedgerRef, RegistrationRef
from shazam.workspace import Workspace


@step(enable_cache=False)  # the ledger may have changed; an open proposal is found again
def propose(registered: RegistrationRef, target: str) -> Annotated[LedgerRef, "proposal"]:
    """Verify the bundle and propose it."""
    with step_boundary():
        workspace = Workspace.from_environment()
        return propose_by_service(registered, target=Target(target), workspace=workspace)
