"""What is known of a proposal, an approval, an intent and a champion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shazam.promotion.ledger.actions import GatesBody, Holder, IntentBody, ProposeBody, Verdict
from shazam.promotion.ledger.entry import Actor


@dataclass(frozen=True, slots=True)
class Approval:
    """One approval: whose, with which key, of which verdicts, and until when."""

    seq: int
    actor: Actor
    key: str
    gates: frozenset[str]
    overridden: frozenset[str]
    expires: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal and what was said of it.

    Args:
        hash: of its entry.
        seq: of its entry.
        body: what is proposed.
        actor: who proposed it.
        key: fingerprint of the key that signed it.
        gates: verdicts by the hash of their entries.
        approvals: in the order in which they came.
        closed: hash of the entry that closed it: a commit, a rejection or a withdrawal.
    """

    hash: str
    seq: int
    body: ProposeBody
    actor: Actor
    key: str
    gates: Mapping[str, GatesBody] = field(default_factory=dict)
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
    """Aliases that are about to be moved, and who said so."""

    hash: str
    seq: int
    body: IntentBody
    actor: Actor


@dataclass(frozen=True, slots=True)
class Crowned:
    """What became champion, by the entry with this number."""

    holder: Holder
    seq: int
