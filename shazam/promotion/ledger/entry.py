"""One entry of the ledger: who did what, when and why, signed and chained to the one before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar

from pydantic import PositiveInt, ValidationError, field_validator

from shazam.config.section import Name
from shazam.digest import canonical_json
from shazam.errors import LedgerError, SignatureError
from shazam.promotion.ledger.actions import BODY_OF, MEANING, Action, Body, Sha256, Text, Utc
from shazam.promotion.ledger.subject import subjects_of
from shazam.promotion.policy.document import Role
from shazam.promotion.signing.dsse import Envelope, read_envelope, sign, verify
from shazam.promotion.signing.keys import PrivateKey, PublicKey

PAYLOAD_TYPE = "application/vnd.shazam.ledger-entry+json"
B = TypeVar("B", bound=Body)
START = "0" * 64  # what the first entry has before it
MOST_BYTES = 1 << 20  # of an entry's text


class Actor(Body):
    """Who acts: the id that the policy gives, the printed name, and the role that is used."""

    id: Name
    name: Text
    role: Role


class Entry(Body):
    """What is signed. ``previous`` is the hash of the entry before, ``body`` that of the action."""

    format: Literal["shazam-ledger-entry-1"] = "shazam-ledger-entry-1"
    seq: PositiveInt
    previous: Sha256
    time: Utc
    actor: Actor
    action: Action
    meaning: Text
    reason: Text
    subject: Sha256
    body: dict[str, Any]

    @field_validator("time")
    @classmethod
    def _is_whole(cls, time: datetime) -> datetime:
        if time.microsecond % 1000:
            raise ValueError("times are whole milliseconds")
        return time

    @property
    def content(self) -> bytes:
        """The bytes that are signed."""
        return canonical_json(self)

    def of(self, kind: type[B]) -> B:
        """Return the body as the type that its action has.

        Raises:
            LedgerError: it is of another one, or malformed.
        """
        if BODY_OF[self.action] is not kind:
            raise LedgerError(f"entry {self.seq} is of '{self.action}', not a {kind.__name__}")
        try:
            return kind.model_validate_json(canonical_json(self.body))
        except ValidationError as error:
            raise LedgerError(
                f"entry {self.seq}: its body is not that of '{self.action}': {told(error)}"
            ) from error


class SignedEntry(Body):
    """An entry as it is kept: the text of its envelope, and the entry that it holds."""

    text: bytes
    entry: Entry
    envelope: Envelope

    @property
    def hash(self) -> str:
        """SHA-256 of the envelope's text, signatures included."""
        return hash_of(self.text)

    @property
    def signers(self) -> tuple[str, ...]:
        """Fingerprints of the keys that are said to have signed; ``check_signed`` verifies."""
        return tuple(signature.keyid for signature in self.envelope.signatures)

    def check_signed(self, keys: Mapping[str, PublicKey]) -> tuple[str, ...]:
        """Check all signatures and return the fingerprints of the keys.

        Raises:
            SignatureError: one does not hold, or is by another key.
        """
        try:
            return verify(self.envelope, payload_type=PAYLOAD_TYPE, keys=keys)
        except SignatureError as error:
            raise SignatureError(f"entry {self.entry.seq}: {error}") from error


def hash_of(text: bytes) -> str:
    """Return the hash of an entry's text: SHA-256, 64 hex digits."""
    return hashlib.sha256(text).hexdigest()


def make_entry(
    body: Body,
    *,
    action: Action,
    actor: Actor,
    reason: str,
    subject: str,
    seq: int,
    previous: str,
    time: datetime,
) -> Entry:
    """Return an entry that follows another one.

    Args:
        body: what the action says.
        action: what is done; ``body`` is of its type.
        actor: who does it.
        reason: why.
        subject: SHA-256 of what is concerned.
        seq: one more than the entry before.
        previous: hash of the entry before, ``START`` for the first.
        time: when; kept in UTC and whole milliseconds.
    """
    utc = time.astimezone(UTC)
    return Entry(
        seq=seq,
        previous=previous,
        time=utc.replace(microsecond=utc.microsecond // 1000 * 1000),
        actor=actor,
        action=action,
        meaning=MEANING[action],
        reason=reason,
        subject=subject,
        body=body.model_dump(mode="json"),
    )


def sign_entry(entry: Entry, *, keys: Sequence[PrivateKey]) -> SignedEntry:
    """Return the entry signed by one or more keys."""
    envelope = sign(entry.content, payload_type=PAYLOAD_TYPE, keys=keys)
    return SignedEntry(text=envelope.text, entry=entry, envelope=envelope)


def read_entry(text: bytes) -> SignedEntry:
    """Return the entry that a text holds; its signatures are not verified yet.

    Raises:
        LedgerError: it holds none, one that is not in its one form, or one whose meaning or
            subject is not that of its action and body.
    """
    if len(text) > MOST_BYTES:
        raise LedgerError(f"not an entry of a ledger: more than {MOST_BYTES} bytes")
    try:
        envelope = read_envelope(text)
        entry = Entry.model_validate_json(envelope.content)
    except ValidationError as error:
        raise LedgerError(f"not an entry of a ledger: {told(error)}") from error
    except SignatureError as error:
        raise LedgerError(f"not an entry of a ledger: {error}") from error
    if entry.content != envelope.content:
        raise LedgerError("not written in its one canonical form")
    signed = SignedEntry(text=text, entry=entry, envelope=envelope)
    if list(signed.signers) != sorted(set(signed.signers)):
        raise LedgerError("its signatures are not in the order of their keys, each once")
    if entry.meaning != MEANING[entry.action]:
        raise LedgerError(f"its meaning is not that of '{entry.action}'")
    _check_body(entry)
    return signed


def _check_body(entry: Entry) -> None:
    body = entry.of(BODY_OF[entry.action])
    # a field that a body gets in a later release must have a default, and be left out of the JSON
    # while it has it (exclude_if): so ledgers of today keep their form
    if canonical_json(body) != canonical_json(entry.body):
        raise LedgerError("its body is not written in its one canonical form")
    if entry.subject not in subjects_of(body):
        raise LedgerError("its subject is not what its body says")


def told(error: ValidationError) -> str:
    """Return the first problem that was found with a document, and where."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]
