"""Rules of the entries that put a policy in force and revoke keys."""

from __future__ import annotations

from dataclasses import replace

from shazam.errors import RefusedError
from shazam.promotion.ledger.actions import PolicyBody, RevokeBody
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.policy.document import Kind, Person, Policy
from shazam.promotion.policy.signatures import (
    check_actor,
    check_first_actor,
    check_roots,
    check_signatures,
    keys_of,
)
from shazam.promotion.policy.state import State


def follow_policy(state: State, signed: SignedEntry) -> State:
    """Return the state after a policy: the first one, or one that two of the old roots sign.

    Raises:
        RefusedError: a rule is broken.
        SignatureError: a signature does not hold.
    """
    new = signed.entry.of(PolicyBody).policy
    old = state.policy_in_force
    _check_not_revoked(new, state=state)
    if old is None:
        _check_pinned(new, state=state)
        check_signatures(signed, keys_of(new.roots), state=state)
    else:
        _check_stays_production(old, new)
        check_signatures(signed, keys_of((*old.roots, *new.roots)), state=state)
        check_roots(signed.signers, old.roots, what="the policy in force")
        check_first_actor(signed, old.roots)
    check_roots(signed.signers, new.roots, what=f"the policy '{new.name}'")
    if old is None:
        check_first_actor(signed, new.roots)
    left = dict.fromkeys(_left(old, new), signed.entry.seq) if old is not None else {}
    return replace(state, policy_in_force=new, left={**state.left, **left})


def follow_revoke(state: State, signed: SignedEntry) -> State:
    """Return the state after a key was revoked, by two roots or by the key itself.

    Raises:
        RefusedError: a rule is broken.
        SignatureError: a signature does not hold.
    """
    policy, key = state.policy, signed.entry.of(RevokeBody).key
    if key in state.revoked:
        raise RefusedError(
            f"the key {key[:12]} was revoked by entry {state.revoked[key]} already",
            reason="revoked_already",
        )
    if policy.holder_of(key) is None:
        raise RefusedError(
            f"the key {key[:12]} is nobody's under the policy in force; there is nothing to revoke",
            reason="unknown_key",
        )
    check_signatures(signed, keys_of(policy.holders), state=state)
    if signed.signers == (key,):
        check_actor(signed, policy=policy)
    else:
        check_roots(signed.signers, policy.roots, what="to revoke the key of somebody else")
        check_first_actor(signed, policy.roots)
        _check_only_roots(signed, policy=policy)
    _check_roots_remain(policy, revoked={*state.revoked, key})
    return replace(state, revoked={**state.revoked, key: signed.entry.seq})


def _left(old: Policy, new: Policy) -> frozenset[str]:
    """Return the keys of people that are no longer theirs, or whose person lost a role."""
    return frozenset(
        key for person in old.people for key in person.fingerprints if not _kept(person, key, new)
    )


def _kept(person: Person, key: str, policy: Policy) -> bool:
    now = policy.holder_of(key)
    return isinstance(now, Person) and now.id == person.id and set(person.roles) <= set(now.roles)


def _check_pinned(new: Policy, *, state: State) -> None:
    named = {one for root in new.roots for one in root.fingerprints}
    if named != set(state.roots):
        raise RefusedError(
            "the first policy names other root keys than the trust file; this ledger is not the "
            "one that is trusted",
            reason="other_roots",
        )


def _check_stays_production(old: Policy, new: Policy) -> None:
    if old.kind is Kind.PRODUCTION and new.kind is not Kind.PRODUCTION:
        raise RefusedError(
            "a ledger whose policy is 'production' stays so; begin another ledger for research",
            reason="production_stays",
        )


def _check_not_revoked(new: Policy, *, state: State) -> None:
    for holder in new.holders:
        for fingerprint in holder.fingerprints:
            if fingerprint in state.revoked:
                raise RefusedError(
                    f"the policy gives {holder.name} the key {fingerprint[:12]}, which was "
                    f"revoked by entry {state.revoked[fingerprint]}; give a new one",
                    reason="revoked_key",
                )


def _check_only_roots(signed: SignedEntry, *, policy: Policy) -> None:
    roots = {one for root in policy.roots for one in root.fingerprints}
    if not set(signed.signers) <= roots:
        raise RefusedError(
            "keys are revoked by roots, or by the key itself alone", reason="not_a_root"
        )


def _check_roots_remain(policy: Policy, *, revoked: set[str]) -> None:
    able = [root for root in policy.roots if not set(root.fingerprints) <= revoked]
    if len(able) < 2:
        raise RefusedError(
            "fewer than two roots would be left, and nobody could change the policy any more; "
            "put a policy with other roots in force first",
            reason="too_few_roots_left",
        )
