"""What the commands do that move aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from shazam.cli.registry_options import Signing, Where

if TYPE_CHECKING:
    from shazam.promotion.ledger.entry import SignedEntry


def promote(proposal: str, *, where: Where, signing: Signing) -> None:
    """Promote an approved proposal."""
    from shazam.promotion.flow import promote as flow

    registry = where.registry()
    done = flow.promote(
        proposal,
        registry=registry,
        place=where.place(),
        by=signing.hand(registry),
        reason=signing.reason,
    )
    tell(done)


def rollback(model: str, *, where: Where, signing: Signing) -> None:
    """Bring back the last known good champion."""
    from shazam.promotion.flow import promote as flow

    registry = where.registry()
    done = flow.roll_back(
        model,
        registry=registry,
        place=where.place(),
        by=signing.hand(registry),
        reason=signing.reason,
    )
    tell(done)
    intent = done.entry.subject[:12]
    typer.echo(f"one person did this; a second confirms it: shazam registry countersign {intent}")


def countersign(entry: str, *, where: Where, signing: Signing) -> None:
    """Confirm a rollback as a second person."""
    from shazam.promotion.flow import promote as flow

    registry = where.registry()
    tell(
        flow.countersign(entry, registry=registry, by=signing.hand(registry), reason=signing.reason)
    )


def retire(model: str, bundle: str, *, where: Where, signing: Signing) -> None:
    """Take a bundle out of use for good."""
    from shazam.promotion.flow import promote as flow

    registry = where.registry()
    done = flow.retire(
        model,
        bundle,
        registry=registry,
        place=where.place(),
        by=signing.hand(registry),
        reason=signing.reason,
    )
    tell(done)


def recall(model: str, bundle: str, *, where: Where, signing: Signing) -> None:
    """Forbid a bundle at once."""
    from shazam.promotion.flow import promote as flow

    registry = where.registry()
    done = flow.recall(
        model, bundle, registry=registry, by=signing.hand(registry), reason=signing.reason
    )
    tell(done)


def reconcile(*, where: Where, signing: Signing) -> None:
    """Finish or take back what was left undone, and put aliases right."""
    from shazam.promotion.flow.reconcile import reconcile as flow

    registry = where.registry()
    done = flow(registry=registry, place=where.place(), by=signing.hand(registry))
    for entry in done.settled:
        tell(entry)
    for alias in done.aliases:
        typer.echo(f"put right: {alias}")
    if not done.settled and not done.aliases:
        typer.echo("nothing was left undone")


def tell(signed: SignedEntry) -> None:
    """Print an entry that was appended, or that was there before."""
    entry = signed.entry
    typer.echo(f"entry {entry.seq} ({entry.action}) by {entry.actor.name}: {signed.hash}")
