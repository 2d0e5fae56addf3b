"""Entries to test with: every action once, then verdicts and closings over and over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ed25519

from shazam.digest import digest_of
from shazam.promotion.ledger.actions import (
    Action,
    AliasMove,
    ApproveBody,
    Body,
    Change,
    CloseBody,
    CountersignBody,
    GateFound,
    GatesBody,
    Holder,
    IntentBody,
    PolicyBody,
    ProposeBody,
    RecallBody,
    RevokeBody,
    SettleBody,
    Verdict,
)
from shazam.promotion.ledger.entry import START, Actor, Entry, SignedEntry, make_entry, sign_entry
from shazam.promotion.policy.document import Kind, Person, Policy, Role, Root, Target
from shazam.promotion.signing.keys import PrivateKey

BEGIN = datetime(2026, 3, 1, 12, tzinfo=UTC)
BUNDLE, OTHER, NUMBERS = "a" * 64, "b" * 64, "c" * 64


@cache
def key(number: int) -> PrivateKey:
    """Return always the same key for a number."""
    seed = bytes([number]) * 32
    return PrivateKey(ed25519.Ed25519PrivateKey.from_private_bytes(seed))


ROOTS = (key(1), key(2))
ACTOR_KEY, UNKNOWN_KEY = key(3), key(200)
KEYS = {one.public.fingerprint: one.public for one in (*ROOTS, ACTOR_KEY)}
ACTOR = Actor(id="b.ito", name="Ben Ito", role=Role.ENGINEERING)


@cache
def policy() -> Policy:
    return Policy(
        name="lab",
        kind=Kind.RESEARCH,
        roots=(
            Root(id="root-1", name="Root One", keys=(ROOTS[0].public.pem,)),
            Root(id="root-2", name="Root Two", keys=(ROOTS[1].public.pem,)),
        ),
        people=(
            Person(id=ACTOR.id, name=ACTOR.name, keys=(ACTOR_KEY.public.pem,), roles=(ACTOR.role,)),
            Person(id="c.wu", name="Cai Wu", keys=(key(4).public.pem,), roles=(Role.CLINICAL,)),
        ),
    )


def propose_body(number: int = 1) -> ProposeBody:
    return ProposeBody(
        model_name="student",
        version=str(number),
        bundle_sha256=BUNDLE,
        target=Target.CHALLENGER,
        metrics_sha256=NUMBERS,
        acceptance_sha256=NUMBERS,
    )


def gates_body(proposal: str = OTHER) -> GatesBody:
    return GatesBody(
        proposal=proposal,
        bundle_sha256=BUNDLE,
        verdict=Verdict.CROSS_VALIDATION,
        verdict_sha256=NUMBERS,
        gates=(GateFound(name="leak", passed=True), GateFound(name="c_index", passed=False)),
    )


def intent_body(change: Change = Change.PROMOTE) -> IntentBody:
    return IntentBody(
        change=change,
        model_name="student",
        proposal=OTHER,
        moves=(
            AliasMove(
                alias="challenger",
                before=Holder(version="1", bundle_sha256=OTHER),
                after=Holder(version="2", bundle_sha256=BUNDLE),
            ),
        ),
    )


def saying(number: int) -> tuple[Action, Body, str]:
    """Return action, body and subject of the entry with a number, beginning with the policy."""
    said: list[tuple[Action, Body, str]] = [
        (Action.POLICY, PolicyBody(policy=policy()), digest_of(policy())),
        (Action.PROPOSE, propose_body(), BUNDLE),
        (Action.GATES, gates_body(), OTHER),
        (
            Action.APPROVE,
            ApproveBody(proposal=OTHER, gates=(NUMBERS,), expires=BEGIN + timedelta(days=14)),
            OTHER,
        ),
        (Action.REJECT, CloseBody(proposal=OTHER), OTHER),
        (Action.WITHDRAW, CloseBody(proposal=NUMBERS), NUMBERS),
        (Action.INTENT, intent_body(), BUNDLE),
        (Action.COMMIT, SettleBody(intent=OTHER), OTHER),
        (Action.VOID, SettleBody(intent=NUMBERS), NUMBERS),
        (Action.COUNTERSIGN, CountersignBody(intent=OTHER), OTHER),
        (Action.REVOKE, RevokeBody(key=NUMBERS), NUMBERS),
        (Action.RECALL, RecallBody(model_name="student", bundle_sha256=BUNDLE), BUNDLE),
    ]
    if number <= len(said):
        return said[number - 1]
    return (Action.GATES, gates_body(), OTHER)


def entry(
    number: int, *, previous: str = START, reason: str = "as agreed", at: datetime | None = None
) -> Entry:
    action, body, subject = saying(number)
    return make_entry(
        body,
        action=action,
        actor=ACTOR,
        reason=reason,
        subject=subject,
        seq=number,
        previous=previous,
        time=at or BEGIN + timedelta(minutes=number),
    )


def signed(
    number: int,
    *,
    previous: str = START,
    reason: str = "as agreed",
    keys: Sequence[PrivateKey] | None = None,
    at: datetime | None = None,
) -> SignedEntry:
    made = entry(number, previous=previous, reason=reason, at=at)
    return sign_entry(made, keys=keys or (ROOTS if number == 1 else (ACTOR_KEY,)))


def chain(length: int, *, reason: str = "as agreed") -> list[SignedEntry]:
    """Return a ledger of a length; another reason gives another ledger."""
    made: list[SignedEntry] = []
    for number in range(1, length + 1):
        before = made[-1].hash if made else START
        made.append(signed(number, previous=before, reason=reason))
    return made


def texts(entries: Sequence[SignedEntry]) -> list[bytes]:
    return [one.text for one in entries]
