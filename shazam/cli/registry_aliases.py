"""The commands of `shazam registry` that move aliases, and forbid bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shazam.cli.options import WorkspaceOption
from shazam.cli.registry_options import (
    KeyOption,
    LedgerOption,
    ModelArgument,
    ProposalArgument,
    ReasonOption,
    RoleOption,
    Signing,
    TrustOption,
    Where,
)

_HERE = Path("workspace")
BundleArgument = Annotated[str, typer.Argument(metavar="BUNDLE", help="SHA-256 of the bundle.")]
EntryArgument = Annotated[
    str, typer.Argument(metavar="ENTRY", help="The entry's hash, or its beginning.")
]


def promote(
    proposal: ProposalArgument,
    key: KeyOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    role: RoleOption = None,
) -> None:
    """Let the alias of an approved proposal point at its bundle; again changes nothing."""
    from shazam.cli import registry_change

    registry_change.promote(
        proposal, where=Where(workspace, ledger, trust), signing=Signing(key, role, reason)
    )


def rollback(
    model: ModelArgument,
    key: KeyOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    role: RoleOption = None,
) -> None:
    """Bring back the last known good champion; one person may, a second is asked for."""
    from shazam.cli import registry_change

    registry_change.rollback(
        model, where=Where(workspace, ledger, trust), signing=Signing(key, role, reason)
    )


def countersign(
    entry: EntryArgument,
    key: KeyOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    role: RoleOption = None,
) -> None:
    """Put a second signature under a rollback that one person made."""
    from shazam.cli import registry_change

    registry_change.countersign(
        entry, where=Where(workspace, ledger, trust), signing=Signing(key, role, reason)
    )


def retire(
    model: ModelArgument,
    bundle: BundleArgument,
    key: KeyOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    role: RoleOption = None,
) -> None:
    """Take a bundle out of use for good."""
    from shazam.cli import registry_change

    registry_change.retire(
        model, bundle, where=Where(workspace, ledger, trust), signing=Signing(key, role, reason)
    )


def recall(
    model: ModelArgument,
    bundle: BundleArgument,
    key: KeyOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    role: RoleOption = None,
) -> None:
    """Forbid a bundle at once; a champion that is recalled cannot be loaded."""
    from shazam.cli import registry_change

    registry_change.recall(
        model, bundle, where=Where(workspace, ledger, trust), signing=Signing(key, role, reason)
    )


def reconcile(
    key: KeyOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    role: RoleOption = None,
) -> None:
    """Finish or take back what was left undone, and put aliases right."""
    from shazam.cli import registry_change

    registry_change.reconcile(
        where=Where(workspace, ledger, trust), signing=Signing(key, role, reason)
    )
