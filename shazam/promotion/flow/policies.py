"""Put a policy in force, change it, revoke keys: what roots do together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from shazam.digest import digest_of
from shazam.errors import LedgerError
from shazam.promotion.flow.registry import Draft, Known, Registry
from shazam.promotion.flow.signer import Hand
from shazam.promotion.ledger.actions import Action, PolicyBody, RevokeBody
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.ledger.store import LedgerStore
from shazam.promotion.ledger.trust import first_trust, write_first_trust
from shazam.promotion.policy.document import Policy


def begin(
    policy: Policy,
    *,
    store: LedgerStore,
    trust: Path,
    clock: Callable[[], datetime],
    by: Hand,
    reason: str,
) -> SignedEntry:
    """Begin a ledger with a policy, and write the trust file that pins its roots.

    A ledger in which the same policy is in force is left as it is. Nothing is written, no trust
    file either, if the policy or the keys are refused.

    Raises:
        LedgerError: there is a ledger under another policy, or a trust file, and the ledger is not
            the one that it trusts.
        RefusedError: fewer than two of the roots sign.
    """
    registry = Registry(store=store, trust=trust, clock=clock)
    if not trust.exists():
        if store.head().seq:
            raise LedgerError(
                f"the ledger has {store.head().seq} entries, and there is no trust file {trust}; "
                "take it from a holder of a root key"
            )
        roots = [one for root in policy.roots for one in root.fingerprints]
        registry.check_first(_draft(policy, reason), roots=roots, by=by)
        write_first_trust(trust, first_trust(roots))
    elif _another_in_force(registry.read(), policy):
        raise LedgerError(
            f"there is a ledger already, of {store.head().seq} entries, under another policy; "
            "change it with `shazam registry policy`, or name another database"
        )
    return put_in_force(policy, registry=registry, by=by, reason=reason)


def _another_in_force(known: Known, policy: Policy) -> bool:
    return bool(known.entries) and digest_of(known.state.policy) != digest_of(policy)


def _draft(policy: Policy, reason: str) -> Draft:
    return Draft(Action.POLICY, PolicyBody(policy=policy), digest_of(policy), reason)


def put_in_force(policy: Policy, *, registry: Registry, by: Hand, reason: str) -> SignedEntry:
    """Put a policy in force; the one that is in force already is left.

    Args:
        policy: the new one.
        registry: the ledger.
        by: two or more roots; where the roots change, two of the old and two of the new.
        reason: why.

    Raises:
        RefusedError: a rule forbids it.
    """
    digest = digest_of(policy)

    def drafting(known: Known) -> Draft | SignedEntry:
        if known.entries and digest_of(known.state.policy) == digest:
            return next(
                signed for signed in reversed(known.entries) if signed.entry.action is Action.POLICY
            )
        return _draft(policy, reason)

    return registry.append(drafting, by=by)


def revoke(fingerprint: str, *, registry: Registry, by: Hand, reason: str) -> SignedEntry:
    """Revoke a key from here on: by two roots, or by the key itself.

    Raises:
        RefusedError: a rule forbids it.
    """

    def drafting(_: Known) -> Draft:
        return Draft(Action.REVOKE, RevokeBody(key=fingerprint), fingerprint, reason)

    return registry.append(drafting, by=by)
