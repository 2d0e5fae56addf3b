"""What the commands do that look at the registry and change nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from shazam.cli.registry_options import Where
from shazam.errors import ExitCode


def verify(*, checkpoints: Sequence[Path], where: Where, as_json: bool) -> None:
    """Check the ledger against trust and checkpoints, and the model store against the ledger.

    Raises:
        LedgerError: the ledger is not whole, not the trusted one, or older than was seen.
        SystemExit: with code 5 if something is not as the ledger says.
    """
    from shazam.promotion.flow.verify import findings
    from shazam.promotion.ledger.checkpoint import check_checkpoint, read_checkpoint

    known = where.registry().read()
    for path in checkpoints:
        check_checkpoint(known.entries, read_checkpoint(path, keys=known.keys_ever()))
    found = list(findings(known, place=where.place()))
    if as_json:
        told = {
            "entries": len(known.entries),
            "head": known.head.hash,
            "flags": [{"seq": flag.seq, "what": flag.what} for flag in known.flags],
            "findings": [{"model": one.model_name, "what": one.what} for one in found],
        }
        typer.echo(json.dumps(told, indent=2))
    else:
        typer.echo(f"{len(known.entries)} entries, all signed and in their places")
        for flag in known.flags:
            typer.echo(f"note: entry {flag.seq}: {flag.what}")
        for one in found:
            typer.echo(f"{one.model_name}: {one.what}")
        if not found:
            typer.echo("the model store is as the ledger says")
    if found:
        raise SystemExit(ExitCode.REFUSED)


def list_models(*, where: Where, as_json: bool) -> None:
    """Print what aliases point at, and open proposals."""
    state = where.registry().read().state
    models = {
        name: {
            alias: {"version": holder.version, "bundle": holder.bundle_sha256}
            for alias, holder in sorted(held.items())
        }
        for name, held in sorted(state.aliases.items())
    }
    opened = [
        {
            "proposal": one.hash,
            "seq": one.seq,
            "model": one.body.model_name,
            "bundle": one.body.bundle_sha256,
            "for": one.body.target.value,
            "by": one.actor.name,
        }
        for one in state.proposals.values()
        if one.is_open
    ]
    if as_json:
        typer.echo(json.dumps({"models": models, "proposals": opened}, indent=2))
        return
    for name, held in models.items():
        for alias, holder in held.items():
            typer.echo(f"{name} {alias}: version {holder['version']}, bundle {holder['bundle']}")
    for item in opened:
        typer.echo(
            f"proposal {item['proposal']} (entry {item['seq']}): {item['model']} bundle "
            f"{str(item['bundle'])[:12]} for {item['for']}, by {item['by']}"
        )
    if not models and not opened:
        typer.echo("nothing is proposed or in use")


def show(proposal: str, *, where: Where, as_json: bool) -> None:
    """Print a proposal: its verdicts, its approvals, and what it still needs."""
    from shazam.promotion.flow.opening import now
    from shazam.promotion.policy.approvals import missing, valid_approvals

    state = where.registry().read().state
    found = state.proposal(proposal)
    counting = {one.seq for one in valid_approvals(state, found, time=now())}
    lacking = missing(state, found, time=now()) if found.is_open else ()
    told: dict[str, Any] = {
        "proposal": found.hash,
        "seq": found.seq,
        "by": found.actor.name,
        **found.body.model_dump(mode="json"),
        "verdicts": [
            {"entry": digest, **body.model_dump(mode="json", exclude={"proposal"})}
            for digest, body in found.gates.items()
        ],
        "approvals": [
            {
                "seq": one.seq,
                "name": one.actor.name,
                "role": one.actor.role.value,
                "overridden": sorted(one.overridden),
                "reason": one.reason,
                "expires": one.expires.isoformat(),
                "counts": one.seq in counting,
            }
            for one in found.approvals
        ],
        "closed": found.closed,
        "needs": [what for _, what in lacking],
    }
    typer.echo(json.dumps(told, indent=2) if as_json else _told(told))


def log(*, where: Where, as_json: bool) -> None:
    """Print every entry."""
    known = where.registry().read()
    for signed in known.entries:
        entry = signed.entry
        if as_json:
            typer.echo(json.dumps({"hash": signed.hash, **entry.model_dump(mode="json")}))
        else:
            typer.echo(
                f"{entry.seq:>5} {entry.time:%Y-%m-%d %H:%M:%S}Z {entry.action:<11} "
                f"{entry.actor.name} ({entry.actor.role}): {entry.reason}"
            )


def _told(shown: dict[str, Any]) -> str:
    lines = [
        f"{shown['model_name']} version {shown['version']} for {shown['target']}, entry "
        f"{shown['seq']} by {shown['by']}",
        f"bundle {shown['bundle_sha256']}",
    ]
    for verdict in shown["verdicts"]:
        failed = [gate["name"] for gate in verdict["gates"] if not gate["passed"]]
        found = f"failed: {', '.join(failed)}" if failed else "all gates passed"
        lines.append(f"verdict {verdict['verdict']}: {found}")
    for approval in shown["approvals"]:
        counts = "" if approval["counts"] else ", counts no more"
        over = f", overrides {', '.join(approval['overridden'])}" if approval["overridden"] else ""
        lines.append(
            f"approved by {approval['name']} ({approval['role']}){over}{counts}: "
            f"{approval['reason']}"
        )
    lines += [f"needs: {what}" for what in shown["needs"]]
    if shown["closed"]:
        lines.append(f"closed by entry {shown['closed'][:12]}")
    return "\n".join(lines)
