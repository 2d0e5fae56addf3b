"""What a ledger's entries lead to: the policy, proposals, aliases, and what may not be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shazam.errors import RefusedError
from shazam.promotion.ledger.actions import Holder
from shazam.promotion.policy.document import Kind, Policy, Target
from shazam.promotion.policy.records import Crowned, Intent, Proposal


@dataclass(frozen=True, slots=True)
class State:
    """Where a ledger stands after some entry; it never changes, the next entry gives another one.

    Args:
        roots: fingerprints of the root keys that the first policy must name.
        policy_in_force: None before the first entry.
        time: the latest time that an entry has told.
        latest: number and time of the entries that no later entry has an equal or later time than.
        revoked: number of the entry that revoked a key, by fingerprint.
        left: number of the policy that took a key or a role from a person last, by fingerprint.
        proposals: by the hash of their entries.
        intents: by the hash of their entries.
        pending: hash of the intent that is not settled, by model.
        settled: hash of the entry that settled an intent, by the intent's hash.
        aliases: what each alias of a model points at; aliases that point at nothing are left out.
        champions: of each model, the one in use last and those before it that can come back.
        champion_since: number of the entry that moved ``champion`` last, by model.
        retired: hash of the intent that retired a bundle.
        recalled: hash of the entry that recalled a bundle.
        unconfirmed: hashes of the intents that await a second signature.
    """

    roots: tuple[str, ...]
    policy_in_force: Policy | None = None
    time: datetime | None = None
    latest: tuple[tuple[int, datetime], ...] = ()
    revoked: Mapping[str, int] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)
    proposals: Mapping[str, Proposal] = field(default_factory=dict)
    intents: Mapping[str, Intent] = field(default_factory=dict)
    pending: Mapping[str, str] = field(default_factory=dict)
    settled: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, Mapping[str, Holder]] = field(default_factory=dict)
    champions: Mapping[str, tuple[Crowned, ...]] = field(default_factory=dict)
    champion_since: Mapping[str, int] = field(default_factory=dict)
    retired: Mapping[str, str] = field(default_factory=dict)
    recalled: Mapping[str, str] = field(default_factory=dict)
    unconfirmed: frozenset[str] = frozenset()

    @property
    def policy(self) -> Policy:
        """The policy in force.

        Raises:
            RefusedError: the ledger has no entry yet.
        """
        if self.policy_in_force is None:
            raise RefusedError(
                "the ledger has no policy yet; begin it with `shazam registry init`",
                reason="no_policy",
            )
        return self.policy_in_force

    def proposal(self, digest: str) -> Proposal:
        """Return a proposal by the hash of its entry, or by the beginning of it.

        Raises:
            RefusedError: there is none, or more than one.
        """
        found = [one for own, one in self.proposals.items() if digest and own.startswith(digest)]
        if len(found) != 1:
            raise RefusedError(
                f"{len(found)} proposals begin with '{digest[:12]}'; "
                "`shazam registry list` names all",
                reason="no_proposal",
            )
        return found[0]

    def pending_intent(self, model_name: str) -> Intent | None:
        """Return the change of a model's aliases that is under way, if any."""
        digest = self.pending.get(model_name)
        return None if digest is None else self.intents[digest]

    def alias(self, model_name: str, alias: str) -> Holder | None:
        """Return what an alias points at."""
        return self.aliases.get(model_name, {}).get(alias)

    def time_since(self, seq: int, *, time: datetime) -> datetime:
        """Return a time, or the latest that an entry after that number has told if it is later."""
        return max([time, *(told for number, told in self.latest if number > seq)])

    def met(self, crowned: Crowned) -> bool:
        """Return whether what became champion did so under a policy as strict as today's."""
        return crowned.kind is Kind.PRODUCTION or self.policy.kind is Kind.RESEARCH

    def check_usable(self, bundle_sha256: str) -> None:
        """Refuse a bundle that was recalled or retired.

        Raises:
            RefusedError: says which.
        """
        for what, known in (("recalled", self.recalled), ("retired", self.retired)):
            if bundle_sha256 in known:
                raise RefusedError(
                    f"bundle {bundle_sha256[:12]} was {what}; it is never used again: train "
                    "and propose another one",
                    reason=what,
                )

    def champion(self, model_name: str) -> Crowned:
        """Return the champion of a model and the entry that made it so.

        Raises:
            RefusedError: there is none, it was recalled, or it became champion under a policy of
                research and the policy in force is one of production.
        """
        holder = self.alias(model_name, Target.CHAMPION)
        if holder is None:
            raise RefusedError(f"model '{model_name}' has no champion", reason="no_champion")
        if holder.bundle_sha256 in self.recalled:
            raise RefusedError(
                f"model '{model_name}': the champion, bundle {holder.bundle_sha256[:12]}, was "
                "recalled; roll back with `shazam registry rollback`, or promote another one",
                reason="recalled",
            )
        crowned = self.champions[model_name][-1]
        if not self.met(crowned):
            raise RefusedError(
                f"model '{model_name}': entry {crowned.seq} made bundle "
                f"{holder.bundle_sha256[:12]} champion under a policy of research, and the policy "
                "in force is 'production'; propose and approve it again",
                reason="champion_of_research",
            )
        return crowned

    def is_good(self, crowned: Crowned) -> bool:
        """Return whether a champion can come back: neither recalled nor retired nor of research."""
        bundle = crowned.holder.bundle_sha256
        return bundle not in self.retired and bundle not in self.recalled and self.met(crowned)

    def last_known_good(self, model_name: str) -> Crowned:
        """Return the champion that a rollback brings back.

        Raises:
            RefusedError: none before the present one may be used.
        """
        now = self.alias(model_name, Target.CHAMPION)
        for crowned in reversed(self.champions.get(model_name, ())):
            bundle = crowned.holder.bundle_sha256
            if (now is None or bundle != now.bundle_sha256) and self.is_good(crowned):
                return crowned
        raise RefusedError(
            f"model '{model_name}': no earlier champion that was not retired or recalled and that "
            "met what the policy in force asks of champions",
            reason="nothing_before",
        )
