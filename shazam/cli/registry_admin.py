"""The commands of `shazam registry` that make keys, begin a ledger, and change its policy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shazam.cli.options import WorkspaceOption
from shazam.cli.registry_options import (
    KeyOption,
    LedgerOption,
    ReasonOption,
    RootKeysOption,
    TrustOption,
    Where,
    hand_of,
)
from shazam.promotion.signing.keys import KeyKind

_HERE = Path("workspace")
PolicyArgument = Annotated[
    Path, typer.Argument(metavar="POLICY", exists=True, dir_okay=False, help="YAML of the policy.")
]


def key(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where the private key goes.")],
    kind: Annotated[KeyKind, typer.Option("--kind", help="Of the key pair.")] = KeyKind.ED25519,
    service: Annotated[
        bool, typer.Option("--service", help="For a pipeline: without a passphrase.")
    ] = False,
) -> None:
    """Make a key pair; the public half, for the policy, is printed."""
    from shazam.promotion.signing.key_files import write_private_key
    from shazam.promotion.signing.keys import PrivateKey
    from shazam.promotion.signing.passphrases import given_passphrases

    passphrase = None
    if not service:
        given = given_passphrases(1)
        passphrase = given[0] if given else _new_passphrase()
    made = PrivateKey.generate(kind)
    write_private_key(target, made, passphrase=passphrase)
    typer.echo(made.public.pem, nl=False)
    typer.echo(f"fingerprint {made.public.fingerprint}", err=True)


def _new_passphrase() -> str:
    return str(typer.prompt("New passphrase", hide_input=True, confirmation_prompt=True, err=True))


def init(
    policy: PolicyArgument,
    keys: RootKeysOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
) -> None:
    """Begin a ledger with a policy that two of its roots sign, and write its trust file."""
    from shazam.cli.policy_file import read_policy
    from shazam.promotion.flow.opening import now
    from shazam.promotion.flow.policies import begin
    from shazam.promotion.ledger.sql import create_ledger

    where = Where(workspace, ledger, trust)
    asked = read_policy(policy)
    hand = hand_of(keys)
    begin(
        asked,
        store=create_ledger(where.ledger_url),
        trust=where.trust_file,
        clock=now,
        by=hand,
        reason=reason,
    )
    typer.echo(f"the ledger begins with the policy '{asked.name}'; trust file {where.trust_file}")
    typer.echo("give a copy of the trust file to whoever loads or verifies models")


def policy(
    target: PolicyArgument,
    keys: RootKeysOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
) -> None:
    """Put another policy in force; two roots sign, and two new ones where roots change."""
    from shazam.cli.policy_file import read_policy
    from shazam.cli.registry_change import tell
    from shazam.promotion.flow.policies import put_in_force

    asked = read_policy(target)
    registry = Where(workspace, ledger, trust).registry()
    tell(put_in_force(asked, registry=registry, by=hand_of(keys), reason=reason))


def revoke(
    fingerprint: Annotated[str, typer.Argument(metavar="FINGERPRINT", help="Of the key.")],
    keys: RootKeysOption,
    reason: ReasonOption,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
) -> None:
    """Revoke a key from now on: with the keys of two roots, or with the key itself."""
    from shazam.cli.registry_change import tell
    from shazam.promotion.flow.policies import revoke as flow

    registry = Where(workspace, ledger, trust).registry()
    tell(flow(fingerprint, registry=registry, by=hand_of(keys), reason=reason))


def checkpoint(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where the checkpoint goes.")],
    key: KeyOption,
    workspace: WorkspaceOption = _HERE,
    ledger: LedgerOption = None,
    trust: TrustOption = None,
) -> None:
    """Write a signed note of how far the ledger is; keep it where the database is not."""
    from shazam.promotion.flow.opening import now
    from shazam.promotion.flow.signer import known_keys
    from shazam.promotion.ledger.checkpoint import (
        checkpoint_of,
        export_checkpoint,
        sign_checkpoint,
    )

    known = Where(workspace, ledger, trust).registry().read()
    made = checkpoint_of(known.entries, time=now())
    keys = known_keys(hand_of([key]), known.state.policy)
    export_checkpoint(target, sign_checkpoint(made, keys=keys))
    typer.echo(f"entry {made.seq}, {made.hash}: {target}")
