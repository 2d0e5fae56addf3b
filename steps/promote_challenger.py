"""Let the challenger point at a proposal whose gates passed; champions are up to people."""

from __future__ import annotations

from typing import Annotated

from zenml import step

from shazam.integrations.proposing import promote_by_service
from shazam.integrations.zenml import step_boundary
from shazam.refs import LedgerRef
from shazam.workspace import Workspace


@step(enable_cache=False)  # aliases are outside of the cache; promoting again changes nothing
def promote_challenger(
    proposal: LedgerRef,
    gates: LedgerRef,  # noqa: ARG001 - only for the order
) -> Annotated[LedgerRef, "promotion"]:
    """Move the alias by intent, read back and commit."""
    with step_boundary():
        return promote_by_service(proposal, workspace=Workspace.from_environment())
