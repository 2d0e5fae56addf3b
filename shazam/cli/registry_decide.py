"""What the commands do by which a bundle is proposed, judged and decided on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from pydantic import ValidationError

from shazam.cli.registry_change import tell
from shazam.cli.registry_options import Signing, Where
from shazam.errors import ConfigError
from shazam.promotion.policy.document import Target
from shazam.refs import RegistrationRef

if TYPE_CHECKING:
    from shazam.promotion import OpenedBundle
    from shazam.promotion.flow.changes import Place
    from shazam.promotion.ledger.actions import ProposeBody


def propose(run: str, *, target: Target, where: Where, signing: Signing) -> None:
    """Propose the registered candidate of a run, and sign its bundle."""
    from shazam.integrations.proposing import propose_registered

    registry, place = where.registry(), where.place()
    made = propose_registered(
        registered_run(run, workspace=where.workspace),
        target=target,
        registry=registry,
        place=place,
        by=signing.hand(registry),
        reason=signing.reason,
    )
    tell(made)
    typer.echo(f"next: shazam registry gates {made.hash[:12]}")


def submit(run: str, *, target: Target, workspace: Path) -> None:
    """Run the promotion pipeline on the active stack."""
    from shazam.cli.occupy import occupy
    from shazam.integrations.environment import prepare_environment
    from shazam.workspace import Workspace

    home = Workspace(workspace)
    registered = registered_run(run, workspace=workspace)
    with occupy(home):
        prepare_environment(home)

        from shazam.cli.launch import launch_promotion

        for made in launch_promotion(registered, target=target):
            typer.echo(f"entry {made.seq}: {made.sha256}")


def gates(proposal: str, *, locked: str | None, where: Where, signing: Signing) -> None:
    """Make a verdict again and record it."""
    from shazam.integrations.verdicts import cross_validated, on_locked
    from shazam.promotion.flow.proposals import record_gates

    registry, place = where.registry(), where.place()
    body = registry.read().state.proposal(proposal).body
    if locked is None:
        found = cross_validated(_bundle(body, place=place))
    else:
        found = on_locked(body.bundle_sha256, place=place, name=locked)
    tell(
        record_gates(
            proposal,
            found=found,
            registry=registry,
            by=signing.hand(registry),
            reason=signing.reason,
        )
    )
    for gate in found.gates:
        typer.echo(f"  {gate.name}: {'passed' if gate.passed else 'FAILED'}")


def approve(proposal: str, *, overridden: Sequence[str], where: Where, signing: Signing) -> None:
    """Approve a proposal after every verdict was made again here."""
    from shazam.integrations.verdicts import check_recorded
    from shazam.promotion.flow import proposals

    registry, place = where.registry(), where.place()
    found = registry.read().state.proposal(proposal)
    check_recorded(found, bundle=_bundle(found.body, place=place), place=place)
    typer.echo(f"{len(found.gates)} verdict(s) made again here: as recorded")
    tell(
        proposals.approve(
            found.hash,
            gates=tuple(found.gates),
            overridden=overridden,
            registry=registry,
            by=signing.hand(registry),
            reason=signing.reason,
        )
    )


def reject(proposal: str, *, where: Where, signing: Signing) -> None:
    """Reject a proposal."""
    from shazam.promotion.flow import proposals

    registry = where.registry()
    tell(
        proposals.reject(
            proposal, registry=registry, by=signing.hand(registry), reason=signing.reason
        )
    )


def withdraw(proposal: str, *, where: Where, signing: Signing) -> None:
    """Withdraw a proposal."""
    from shazam.promotion.flow import proposals

    registry = where.registry()
    tell(
        proposals.withdraw(
            proposal, registry=registry, by=signing.hand(registry), reason=signing.reason
        )
    )


def _bundle(body: ProposeBody, *, place: Place) -> OpenedBundle:
    return place.opened(body.model_name, body.holder)


def registered_run(run: str, *, workspace: Path) -> RegistrationRef:
    """Return what a run registered.

    Raises:
        ConfigError: none, or several, begin so.
    """
    found = sorted((workspace / "runs").glob(f"{run}*/registration.json")) if run else []
    if len(found) != 1:
        raise ConfigError(
            f"{len(found)} registered runs in {workspace} begin with '{run}'; name one by the "
            "beginning of its digest, as `shazam run` prints it"
        )
    try:
        return RegistrationRef.model_validate_json(found[0].read_bytes())
    except ValidationError as error:
        raise ConfigError(f"{found[0]}: damaged; run the pipeline again") from error
