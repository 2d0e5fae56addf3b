"""Checkpoints: a signed note of how far a ledger was, kept where the ledger is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import PositiveInt, ValidationError

from shazam.digest import canonical_json
from shazam.errors import LedgerError, SignatureError
from shazam.promotion.ledger.actions import Sha256, Utc
from shazam.promotion.ledger.entry import SignedEntry, told
from shazam.promotion.ledger.seen import Seen, check_seen
from shazam.promotion.signing.dsse import Envelope, read_envelope, sign, verify
from shazam.promotion.signing.keys import PrivateKey, PublicKey
from shazam.publish import publish_bytes

PAYLOAD_TYPE = "application/vnd.shazam.checkpoint+json"


class Checkpoint(Seen):
    """The head of a ledger at a time (UTC)."""

    format: Literal["shazam-checkpoint-1"] = "shazam-checkpoint-1"
    ledger: Sha256
    seq: PositiveInt
    time: Utc


def checkpoint_of(entries: Sequence[SignedEntry], *, time: datetime) -> Checkpoint:
    """Return the checkpoint of a verified ledger.

    Raises:
        LedgerError: the ledger is empty.
    """
    if not entries:
        raise LedgerError("an empty ledger has no checkpoint: make its first entry")
    last = entries[-1]
    return Checkpoint(
        ledger=entries[0].hash, seq=last.entry.seq, hash=last.hash, time=time.astimezone(UTC)
    )


def sign_checkpoint(checkpoint: Checkpoint, *, keys: Sequence[PrivateKey]) -> Envelope:
    """Return the checkpoint signed by one or more keys."""
    return sign(canonical_json(checkpoint), payload_type=PAYLOAD_TYPE, keys=keys)


def export_checkpoint(target: Path, envelope: Envelope) -> None:
    """Write a signed checkpoint to a file; keep it where the ledger's keeper cannot write."""
    publish_bytes(target, envelope.text)


def read_checkpoint(path: Path, *, keys: Mapping[str, PublicKey]) -> Checkpoint:
    """Return the checkpoint of a file, its signatures verified.

    Args:
        path: the file.
        keys: that may sign checkpoints, by fingerprint.

    Raises:
        LedgerError: the file is missing, or holds no checkpoint.
        SignatureError: a signature does not hold, or is by another key.
    """
    try:
        envelope = read_envelope(path.read_bytes())
        verify(envelope, payload_type=PAYLOAD_TYPE, keys=keys)
        checkpoint = Checkpoint.model_validate_json(envelope.content)
    except OSError as error:
        raise LedgerError(f"{path}: the checkpoint cannot be read: {error.strerror}") from error
    except SignatureError as error:
        raise SignatureError(f"{path}: {error}") from error
    except ValidationError as error:
        raise LedgerError(f"{path}: not a checkpoint: {told(error)}") from error
    if canonical_json(checkpoint) != envelope.content:
        raise LedgerError(f"{path}: a checkpoint that is not written in its one canonical form")
    return checkpoint


def check_checkpoint(entries: Sequence[SignedEntry], checkpoint: Checkpoint) -> None:
    """Refuse a verified ledger that does not hold what a checkpoint has seen.

    Raises:
        LedgerError: it is another ledger, was cut short, or was rewritten.
    """
    check_seen(entries, seen=checkpoint, by=f"the checkpoint of {checkpoint.time:%Y-%m-%d %H:%M}Z")
