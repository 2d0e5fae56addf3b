"""Follow a ledger entry by entry: the same rules before one is appended and when it is read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from shazam.errors import LedgerError, RefusedError, SignatureError
from shazam.promotion.ledger.actions import Action
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.policy.approvals import follow_approve
from shazam.promotion.policy.changes import (
    follow_countersign,
    follow_intent,
    follow_recall,
    follow_settle,
)
from shazam.promotion.policy.policies import follow_policy, follow_revoke
from shazam.promotion.policy.proposals import follow_close, follow_gates, follow_propose
from shazam.promotion.policy.signatures import check_actor, check_signatures, keys_of
from shazam.promotion.policy.state import State

_FOLLOW = {
    Action.PROPOSE: follow_propose,
    Action.GATES: follow_gates,
    Action.APPROVE: follow_approve,
    Action.REJECT: follow_close,
    Action.WITHDRAW: follow_close,
    Action.INTENT: follow_intent,
    Action.COMMIT: follow_settle,
    Action.VOID: follow_settle,
    Action.COUNTERSIGN: follow_countersign,
    Action.RECALL: follow_recall,
}


def follow(state: State, signed: SignedEntry) -> State:
    """Return the state after an entry, whose signatures and rules are checked.

    Raises:
        RefusedError: the policy in force does not allow it.
        SignatureError: a signature does not hold.
        LedgerError: its body is malformed.
    """
    match signed.entry.action:
        case Action.POLICY:
            after = follow_policy(state, signed)
        case Action.REVOKE:
            after = follow_revoke(state, signed)
        case action:
            policy = state.policy
            check_signatures(signed, keys_of(policy.holders), state=state)
            after = _FOLLOW[action](state, signed, check_actor(signed, policy=policy))
    time = signed.entry.time
    return replace(
        after,
        time=time if state.time is None else max(state.time, time),
        latest=(*(one for one in state.latest if one[1] > time), (signed.entry.seq, time)),
    )


@dataclass(slots=True)
class Replay:
    """A visit of every entry of a chain; ``state`` is where it has led to.

    Args:
        roots: fingerprints of the root keys that are trusted.
    """

    roots: tuple[str, ...]
    state: State = field(init=False)

    def __post_init__(self) -> None:
        self.state = State(roots=self.roots)

    def __call__(self, signed: SignedEntry) -> None:
        """Follow an entry.

        Raises:
            LedgerError: it breaks a rule or its signature does not hold; ``seq`` is its number.
        """
        seq = signed.entry.seq
        try:
            self.state = follow(self.state, signed)
        except RefusedError as error:
            raise LedgerError(f"entry {seq} breaks a rule: {error}", seq=seq) from error
        except SignatureError as error:
            raise LedgerError(str(error), seq=seq) from error
