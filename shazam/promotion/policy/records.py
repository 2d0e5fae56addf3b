"""What is known of a proposal, an approval, an intent and a champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shazam.promotion.ledger.actions import GatesBody, Holder, IntentBody, ProposeBody, Verdict
from shazam.promotion.ledger.entry import Actor
from shazam.promotion.policy.document import Kind


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval: whose, with which key, of which verdicts, from when and until when."""

    seq: int
    given: datetime
    actor: Actor
    key: str
    gates: frozenset[str]
    overridden: frozenset[str]
    expires: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Recorder:
    """Who recorded a verdict, and the fingerprint of the key that signed it."""

    actor: Actor
    key: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal and what was said of it.

    Args:
        hash: of its entry.
        seq: of its entry.
        body: what is proposed.
        actor: who proposed it.
        key: fingerprint of the key that signed it.
        keys: fingerprints of all keys that the proposer had then.
        gates: verdicts by the hash of their entries.
        recorders: who recorded them, by the same hashes.
        approvals: in the order in which they came.
        closed: hash of the entry that closed it: a commit, a rejection or a withdrawal.
    """

    hash: str
    seq: int
    body: ProposeBody
    actor: Actor
    key: str
    keys: frozenset[str]
    gates: Mapping[str, GatesBody] = field(default_factory=dict)
    recorders: Mapping[str, Recorder] = field(default_factory=dict)
    approvals: tuple[Approval, ...] = ()
    closed: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can still be approved and promoted."""
        return self.closed is None

    @property
    def failed(self) -> frozenset[str]:
        """Names of the gates that failed in any of its verdicts."""
        return frozenset(name for body in self.gates.values() for name in body.failed)

    def has(self, verdict: Verdict) -> bool:
        """Return whether such a verdict was recorded."""
        return any(body.verdict is verdict for body in self.gates.values())


@dataclass(frozen=True, slots=True)
class Intent:
    """Aliases that are about to be moved, the bundle concerned, and who said so with which key."""

    hash: str
    seq: int
    body: IntentBody
    subject: str
    actor: Actor
    key: str


@dataclass(frozen=True, slots=True)
class Crowned:
    """What became champion, by the entry with this number, under a policy of this kind."""

    holder: Holder
    seq: int
    kind: Kind
