"""Whose signatures an entry has, and whether these keys may sign it at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shazam.errors import RefusedError
from shazam.promotion.ledger.actions import Action
from shazam.promotion.ledger.entry import Actor, SignedEntry
from shazam.promotion.policy.document import (
    ROOTS_NEEDED,
    Holder,
    Person,
    Policy,
    Role,
    Root,
    Service,
)
from shazam.promotion.policy.state import State
from shazam.promotion.signing.keys import PublicKey


def check_signatures(signed: SignedEntry, keys: Mapping[str, PublicKey], *, state: State) -> None:
    """Check all signatures of an entry, by keys that are known and not revoked.

    Raises:
        RefusedError: a key is nobody's, or was revoked.
        SignatureError: a signature does not hold.
    """
    for fingerprint in signed.signers:
        if fingerprint in state.revoked:
            raise RefusedError(
                f"the key {fingerprint[:12]} was revoked by entry {state.revoked[fingerprint]}; "
                "sign with another one that the policy names",
                reason="revoked_key",
            )
        if fingerprint not in keys:
            raise RefusedError(
                f"the key {fingerprint[:12]} is nobody's under the policy in force",
                reason="unknown_key",
            )
    signed.check_signed(keys)


def keys_of(holders: Iterable[Holder]) -> dict[str, PublicKey]:
    """Return all keys of some holders by fingerprint."""
    return {key.fingerprint: key for holder in holders for key in holder.public_keys}


def check_roots(signers: Iterable[str], roots: Iterable[Root], *, what: str) -> None:
    """Ask that two different roots signed; two keys of one count once.

    Raises:
        RefusedError: fewer did.
    """
    given = set(signers)
    agreed = {root.id for root in roots if given & set(root.fingerprints)}
    if len(agreed) < ROOTS_NEEDED:
        raise RefusedError(
            f"{what}: {len(agreed)} root(s) signed, and {ROOTS_NEEDED} must; give the keys of "
            "two of them",
            reason="too_few_roots",
        )


def check_actor(signed: SignedEntry, *, policy: Policy) -> Holder:
    """Ask that the one key that signed is that of the actor, and return its holder.

    Raises:
        RefusedError: several keys signed, or the actor is somebody else or has another role.
    """
    if len(signed.signers) != 1:
        raise RefusedError(
            f"{len(signed.signers)} keys signed '{signed.entry.action}'; one does",
            reason="too_many_keys",
        )
    holder = policy.holder_of(signed.signers[0])
    actor = signed.entry.actor
    if holder is None or (holder.id, holder.name) != (actor.id, actor.name):
        raise RefusedError(
            f"signed with a key that is not that of {actor.name} ({actor.id})",
            reason="other_actor",
        )
    if actor.role not in roles_of(holder):
        raise RefusedError(
            f"{actor.name} does not have the role '{actor.role}'", reason="wrong_role"
        )
    return holder


def check_first_actor(signed: SignedEntry, roots: Iterable[Root]) -> None:
    """Ask that the actor whom roots that sign together name is one of them.

    Raises:
        RefusedError: the actor did not sign.
    """
    actor = signed.entry.actor
    for root in roots:
        named = (root.id, root.name, Role.ROOT) == (actor.id, actor.name, actor.role)
        if named and set(root.fingerprints) & set(signed.signers):
            return
    raise RefusedError(
        f"{actor.name} ({actor.id}) is named as the actor, and is none of the roots that signed",
        reason="other_actor",
    )


def roles_of(holder: Holder) -> tuple[Role, ...]:
    """Return the roles that a holder can act in."""
    match holder:
        case Person(roles=roles):
            return roles
        case Service(role=role):
            return (role,)
        case _:
            return (Role.ROOT,)


def check_person(holder: Holder, *, actor: Actor, action: Action) -> None:
    """Ask that a person acts.

    Raises:
        RefusedError: a service or a root does.
    """
    if not isinstance(holder, Person):
        raise RefusedError(
            f"'{action}' is for people, and {actor.name} acts as '{actor.role}'",
            reason="not_a_person",
        )
