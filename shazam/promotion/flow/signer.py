"""Who signs an entry: the private keys in a hand, and the actor that the policy names for them."""

from __future__ import annotations

from dataclasses import dataclass

from shazam.errors import RefusedError
from shazam.promotion.ledger.entry import Actor
from shazam.promotion.policy.document import Holder, Person, Policy, Role, Root, Service
from shazam.promotion.signing.keys import PrivateKey


@dataclass(frozen=True, slots=True)
class Signer:
    """An actor and the keys that sign for it; more than one only where roots sign together."""

    actor: Actor
    keys: tuple[PrivateKey, ...]


@dataclass(frozen=True, slots=True)
class Hand:
    """Private keys at hand, and the role they are used in.

    Args:
        keys: one, or those of several roots; the holder of the first is named as the actor.
        role: None where its holder has only one.
    """

    keys: tuple[PrivateKey, ...]
    role: Role | None = None

    def signer(self, policy: Policy) -> Signer:
        """Return who signs under a policy.

        Raises:
            RefusedError: a key is nobody's, its holder does not have the role, or has several
                and none is named, or several keys are not all of roots.
        """
        if not self.keys:
            raise RefusedError("no key was given; name one with --key", reason="unknown_key")
        holders = [_holder(policy, key) for key in self.keys]
        if len(holders) > 1 and not all(isinstance(holder, Root) for holder in holders):
            raise RefusedError("only roots sign together; give one key", reason="not_a_root")
        first = holders[0]
        actor = Actor(id=first.id, name=first.name, role=_role_of(first, self.role))
        return Signer(actor=actor, keys=self.keys)


def known_keys(hand: Hand, policy: Policy) -> tuple[PrivateKey, ...]:
    """Return the keys of a hand, each of which a policy names, in whatever role.

    Raises:
        RefusedError: a key is nobody's.
    """
    for key in hand.keys:
        _holder(policy, key)
    return hand.keys


def _holder(policy: Policy, key: PrivateKey) -> Holder:
    fingerprint = key.public.fingerprint
    holder = policy.holder_of(fingerprint)
    if holder is None:
        raise RefusedError(
            f"the key {fingerprint[:12]} is nobody's under the policy '{policy.name}'; use a key "
            "that it names, or have two roots add it",
            reason="unknown_key",
        )
    return holder


def _role_of(holder: Holder, asked: Role | None) -> Role:
    match holder:
        case Person(roles=roles):
            held = roles
        case Service(role=role):
            held = (role,)
        case _:
            held = (Role.ROOT,)
    if asked is None and len(held) == 1:
        return held[0]
    if asked is not None and asked in held:
        return asked
    told = "name one with --role" if asked is None else f"'{asked}' is none of them"
    raise RefusedError(
        f"{holder.name} has the role(s) {', '.join(sorted(held))}: {told}", reason="wrong_role"
    )
