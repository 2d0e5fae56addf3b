"""The `shazam registry` commands: who decided what about which model, and what is in use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shazam.cli.options import WorkspaceOption
from shazam.cli.registry_admin import checkpoint, init, key, policy, revoke
from shazam.cli.registry_aliases import (
    countersign,
    promote,
    recall,
    reconcile,
    retire,
    rollback,
)
from shazam.cli.registry_evidence import export, trace, verify_bundle
from shazam.cli.registry_options import (
    JsonOption,
    KeyOption,
    LedgerOption,
    ProposalArgument,
    ReasonOption,
    RoleOption,
    Signing,
    TrustOption,
    Where,
)
from shazam.promotion.policy.document import Target

registry_app = typer.Typer(
    help="From candidate to champion, each step signed in a ledger.", no_args_is_help=True
)
_HERE = Path("workspace")


@registry_app.command()
def propose(
    key: KeyOption,
    reason: ReasonOption,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run, or its beginning.")],
    target: Annotated[
        Target, typer.Option("--for", help="The alias that it is proposed for.")
    ] = Target.CHAMPION,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    role: RoleOption = None,
) -> None:
    """Propose the registered candidate of a run; its bundle is verified and signed."""
    from shazam.cli import registry_decide

    registry_decide.propose(
        run,
        target=target,
        where=Where(workspace, ledger, trust),
        signing=Signing(key, role, reason),
    )


@registry_app.command()
def submit(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run, or its beginning.")],
    target: Annotated[
        Target, typer.Option("--for", help="The alias that it is proposed for.")
    ] = Target.CHALLENGER,
    workspace: WorkspaceOption = _HERE,
) -> None:
    """Run the promotion pipeline: propose and record gates with the keys of services."""
    from shazam.cli import registry_decide

    registry_decide.submit(run, target=target, workspace=workspace)


@registry_app.command()
def gates(
    proposal: ProposalArgument,
    key: KeyOption,
    reason: ReasonOption,
    locked: Annotated[
        str | None,
        typer.Option(
            "--locked", metavar="NAME", help="Record what was measured on this locked cohort."
        ),
    ] = None,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    role: RoleOption = None,
) -> None:
    """Compute the verdict on a proposal anew from its evidence, and record it."""
    from shazam.cli import registry_decide

    registry_decide.gates(
        proposal,
        locked=locked,
        where=Where(workspace, ledger, trust),
        signing=Signing(key, role, reason),
    )


@registry_app.command()
def approve(
    proposal: ProposalArgument,
    key: KeyOption,
    reason: ReasonOption,
    override: Annotated[
        list[str] | None,
        typer.Option("--override", metavar="GATE", help="A failed gate that you accept."),
    ] = None,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    role: RoleOption = None,
) -> None:
    """Approve a proposal, after metrics and verdict were computed anew on this machine."""
    from shazam.cli import registry_decide

    registry_decide.approve(
        proposal,
        overridden=override or [],
        where=Where(workspace, ledger, trust),
        signing=Signing(key, role, reason),
    )


@registry_app.command()
def reject(
    proposal: ProposalArgument,
    key: KeyOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    role: RoleOption = None,
) -> None:
    """Reject a proposal."""
    from shazam.cli import registry_decide

    registry_decide.reject(
        proposal, where=Where(workspace, ledger, trust), signing=Signing(key, role, reason)
    )


@registry_app.command()
def withdraw(
    proposal: ProposalArgument,
    key: KeyOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    role: RoleOption = None,
) -> None:
    """Withdraw a proposal."""
    from shazam.cli import registry_decide

    registry_decide.withdraw(
        proposal, where=Where(workspace, ledger, trust), signing=Signing(key, role, reason)
    )


@registry_app.command()
def verify(
    checkpoint: Annotated[
        list[Path] | None,
        typer.Option("--checkpoint", help="A signed checkpoint that the ledger must hold."),
    ] = None,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the ledger, the trust file, every bundle in use and every alias."""
    from shazam.cli import registry_read

    registry_read.verify(
        checkpoints=checkpoint or [], where=Where(workspace, ledger, trust), as_json=as_json
    )


@registry_app.command("list")
def list_models(
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    as_json: JsonOption = False,
) -> None:
    """List models, what their aliases point at, and open proposals."""
    from shazam.cli import registry_read

    registry_read.list_models(where=Where(workspace, ledger, trust), as_json=as_json)


@registry_app.command()
def show(
    proposal: ProposalArgument,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a proposal: its verdicts, approvals, and what it still needs."""
    from shazam.cli import registry_read

    registry_read.show(proposal, where=Where(workspace, ledger, trust), as_json=as_json)


@registry_app.command()
def log(
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print every entry of the ledger."""
    from shazam.cli import registry_read

    registry_read.log(where=Where(workspace, ledger, trust), as_json=as_json)


for command in (
    *(promote, rollback, countersign, retire, recall, reconcile),
    *(trace, export, verify_bundle, key, init, policy, revoke, checkpoint),
):
    registry_app.command()(command)
