"""What the commands of the registry share: where the ledger is, who signs, and how it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shazam.promotion.flow.places import (
    LEDGER_VARIABLE,
    TRUST_VARIABLE,
    embedded_ledger,
    own_trust,
)
from shazam.promotion.policy.document import Person, Role
from shazam.workspace import Workspace

if TYPE_CHECKING:
    from shazam.promotion.flow.changes import Place
    from shazam.promotion.flow.registry import Registry
    from shazam.promotion.flow.signer import Hand


LedgerOption = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        envvar=LEDGER_VARIABLE,
        metavar="URL",
        help="Database of the ledger; default: ledger.db in the workspace.",
    ),
]
TrustOption = Annotated[
    Path | None,
    typer.Option(
        "--trust",
        envvar=TRUST_VARIABLE,
        help="Trust file, kept outside of the database; default: in your own configuration.",
    ),
]
KeyOption = Annotated[
    Path, typer.Option("--key", envvar="SHAZAM_KEY_FILE", help="File of your private key.")
]
RootKeysOption = Annotated[
    list[Path], typer.Option("--key", help="File of a root's private key; give two.")
]
RoleOption = Annotated[
    Role | None, typer.Option("--role", help="Which of your roles you act in, if several.")
]
ReasonOption = Annotated[str, typer.Option("--reason", "-m", help="Why; it is signed with it.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.")]
ProposalArgument = Annotated[
    str, typer.Argument(metavar="PROPOSAL", help="The proposal's hash, or its beginning.")
]


@dataclass(frozen=True, slots=True)
class Where:
    """The workspace, and ledger and trust file where they are not the usual ones."""

    workspace: Path
    ledger: str | None
    trust: Path | None

    @property
    def ledger_url(self) -> str:
        """URL of the ledger's database."""
        return self.ledger or embedded_ledger(Workspace(self.workspace))

    @property
    def trust_file(self) -> Path:
        """The trust file."""
        return self.trust or own_trust()

    def registry(self) -> Registry:
        """Open the ledger.

        Raises:
            LedgerError: there is none.
        """
        from shazam.promotion.flow.opening import open_registry

        return open_registry(Workspace(self.workspace), ledger=self.ledger, trust=self.trust)

    def place(self) -> Place:
        """Return where models are kept: the workspace, and the model store that it uses."""
        from shazam.integrations.environment import prepare_environment
        from shazam.promotion.flow.changes import Place

        home = Workspace(self.workspace)
        prepare_environment(home)

        from shazam.integrations.mlflow import MlflowModelStore

        return Place(store=MlflowModelStore.of(home), workspace=home)


@dataclass(frozen=True, slots=True)
class Signing:
    """Whose key signs, in which role, and why."""

    key: Path
    role: Role | None
    reason: str

    def hand(self, registry: Registry) -> Hand:
        """Read the key; its passphrase is asked for if it has one.

        Raises:
            ConfigError: it cannot be read, or is a person's and has no passphrase.
        """
        from shazam.promotion.signing.key_files import check_protected

        hand = hand_of([self.key], role=self.role)
        holder = registry.read().state.policy.holder_of(hand.keys[0].public.fingerprint)
        if isinstance(holder, Person):
            check_protected(self.key)
        return hand


def hand_of(keys: list[Path], *, role: Role | None = None) -> Hand:
    """Read private keys; the passphrase of each that has one is asked for, or in a file.

    Raises:
        ConfigError: a key or the file of passphrases cannot be read, or a passphrase is wrong.
    """
    from shazam.promotion.flow.signer import Hand
    from shazam.promotion.signing.key_files import is_protected, read_private_key
    from shazam.promotion.signing.passphrases import given_passphrases

    protected = [path for path in keys if is_protected(path)]
    given = given_passphrases(len(protected)) or [_passphrase(path) for path in protected]
    passphrases = dict(zip(protected, given, strict=True))
    found = tuple(read_private_key(path, passphrase=passphrases.get(path)) for path in keys)
    return Hand(keys=found, role=role)


def _passphrase(path: Path) -> str:
    return str(typer.prompt(f"Passphrase of {path}", hide_input=True, err=True))
