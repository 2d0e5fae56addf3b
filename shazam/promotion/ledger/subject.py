"""What an entry's subject must be: it follows from the body."""

from __future__ import annotations

from shazam.digest import digest_of
from shazam.promotion.ledger.actions import (
    ApproveBody,
    Body,
    Change,
    CloseBody,
    CountersignBody,
    GatesBody,
    IntentBody,
    PolicyBody,
    ProposeBody,
    RecallBody,
    RevokeBody,
    SettleBody,
)


def subjects_of(body: Body) -> frozenset[str]:
    """Return the subjects that an entry with this body can have.

    There is one, but for an intent that moves several bundles.

    Raises:
        TypeError: the body is of no action.
    """
    match body:
        case PolicyBody(policy=policy):
            return frozenset({digest_of(policy)})
        case RevokeBody(key=key):
            return frozenset({key})
        case ProposeBody(bundle_sha256=bundle) | RecallBody(bundle_sha256=bundle):
            return frozenset({bundle})
        case GatesBody(proposal=entry) | ApproveBody(proposal=entry) | CloseBody(proposal=entry):
            return frozenset({entry})
        case SettleBody(intent=entry) | CountersignBody(intent=entry):
            return frozenset({entry})
        case IntentBody():
            return _moved(body)
    raise TypeError(f"{type(body).__name__} is the body of no action")


def _moved(body: IntentBody) -> frozenset[str]:
    """Return the bundles that come under an alias, or leave one when a model is retired."""
    retired = body.change is Change.RETIRE
    holders = [move.before if retired else move.after for move in body.moves]
    return frozenset(holder.bundle_sha256 for holder in holders if holder is not None)
