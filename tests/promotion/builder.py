"""A small ledger in memory: people, services and roots with keys, and entries that they sign."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from _pytest.raises import RaisesExc

from shazam.digest import digest_of
from shazam.errors import RefusedError
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
    IntentBody,
    PolicyBody,
    ProposeBody,
    RecallBody,
    RevokeBody,
    SettleBody,
    Verdict,
)
from shazam.promotion.ledger.entry import START, Actor, SignedEntry, make_entry, sign_entry
from shazam.promotion.policy.document import Kind, Person, Policy, Role, Root, Rule, Service, Target
from shazam.promotion.policy.moves import planned_moves
from shazam.promotion.policy.replay import follow
from shazam.promotion.policy.state import State
from shazam.promotion.signing.keys import KeyKind, PrivateKey

START_TIME = datetime(2026, 3, 1, 9, tzinfo=UTC)
PASSED = {"floor": True, "no_leak": True, "sound_predictions": True, "canary": True}


def refused(reason: str) -> RaisesExc[RefusedError]:
    """Expect a refusal by its stable reason, with a message that is a sentence."""

    def matches(error: RefusedError) -> bool:
        told = str(error)
        sentence = len(told) > 20 and told != told.upper() and "XX" not in told
        return error.reason == reason and sentence and "None" not in told

    return pytest.raises(RefusedError, check=matches)


def key_of(number: int) -> PrivateKey:
    """A key that is the same in each run."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return PrivateKey(Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


KEYS = {
    name: key_of(number)
    for number, name in enumerate(
        [
            *("root_a", "root_b", "root_c", "ann", "ben", "cem", "dia"),
            *("ann_second", "training", "evaluation", "stranger", "root_d", "root_e"),
        ],
        start=1,
    )
}
P256 = PrivateKey.generate(KeyKind.P256)


def pem(name: str) -> str:
    return KEYS[name].public.pem


def people() -> tuple[Person, ...]:
    return (
        Person(id="ann", name="Ann Alt", keys=(pem("ann"), pem("ann_second")),
               roles=(Role.CLINICAL, Role.QUALITY)),
        Person(id="ben", name="Ben Beck", keys=(pem("ben"),), roles=(Role.QUALITY,)),
        Person(id="cem", name="Cem Cay", keys=(pem("cem"),), roles=(Role.ENGINEERING,)),
    )  # fmt: skip


def a_policy(kind: Kind = Kind.PRODUCTION, **changed: object) -> Policy:
    fields: dict[str, object] = {
        "name": "lab",
        "kind": kind,
        "roots": tuple(
            Root(id=f"root-{one}", name=f"Root {one}", keys=(pem(f"root_{one}"),)) for one in "abc"
        ),
        "people": people(),
        "services": (
            Service(id="trainer", name="Training", keys=(pem("training"),), role=Role.TRAINING),
            Service(
                id="evaluator", name="Evaluation", keys=(pem("evaluation"),), role=Role.EVALUATION
            ),
        ),
    }
    return Policy.model_validate({**fields, **changed})


ROLE_OF = {
    "ann": Role.CLINICAL,
    "ann_second": Role.CLINICAL,
    "ben": Role.QUALITY,
    "cem": Role.ENGINEERING,
    "training": Role.TRAINING,
    "evaluation": Role.EVALUATION,
}
BUNDLES = {name: digest_of(name) for name in ("one", "two", "three")}


@dataclass
class Bench:
    """Entries as they are made, and the state that they lead to."""

    policy: Policy = field(default_factory=a_policy)
    time: datetime = START_TIME
    entries: list[SignedEntry] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.state = State(
            roots=tuple(one for root in self.policy.roots for one in root.fingerprints)
        )

    def draft(
        self,
        action: Action,
        body: Body,
        *,
        by: str,
        subject: str,
        with_keys: tuple[str, ...] | None = None,
        actor: Actor | None = None,
        reason: str = "as the procedure asks",
    ) -> SignedEntry:
        """An entry that follows the last one, signed, but not followed."""
        policy = self.state.policy_in_force or self.policy
        holder = policy.holder_of(KEYS[by].public.fingerprint)
        named = actor or Actor(
            id=holder.id if holder else by,
            name=holder.name if holder else by,
            role=Role.ROOT if by.startswith("root") else ROLE_OF.get(by, Role.QUALITY),
        )
        self.time += timedelta(minutes=1)
        entry = make_entry(
            body,
            action=action,
            actor=named,
            reason=reason,
            subject=subject,
            seq=len(self.entries) + 1,
            previous=self.entries[-1].hash if self.entries else START,
            time=self.time,
        )
        return sign_entry(entry, keys=[KEYS[name] for name in with_keys or (by,)])

    def add(self, action: Action, body: Body, **how: object) -> SignedEntry:
        signed = self.draft(action, body, **how)  # type: ignore[arg-type]
        self.state = follow(self.state, signed)
        self.entries.append(signed)
        return signed

    def begin(self, *, by: tuple[str, ...] = ("root_a", "root_b")) -> Bench:
        self.put(self.policy, by=by)
        return self

    def put(self, policy: Policy, *, by: tuple[str, ...] = ("root_a", "root_b")) -> SignedEntry:
        body = PolicyBody(policy=policy)
        return self.add(
            Action.POLICY, body, by=by[0], with_keys=by, subject=digest_of(body.model_dump(
                mode="json")["policy"])
        )  # fmt: skip

    def revoke(self, key: str, *, by: tuple[str, ...] = ("root_a", "root_b")) -> SignedEntry:
        fingerprint = KEYS[key].public.fingerprint
        body = RevokeBody(key=fingerprint)
        return self.add(Action.REVOKE, body, by=by[0], with_keys=by, subject=fingerprint)

    def propose(
        self, bundle: str = "one", *, by: str = "training", target: Target = Target.CHAMPION
    ) -> str:
        digest = BUNDLES[bundle]
        body = ProposeBody(
            model_name="luad",
            version=str(sorted(BUNDLES).index(bundle) + 1),
            bundle_sha256=digest,
            target=target,
            metrics_sha256=digest_of(f"metrics of {bundle}"),
            acceptance_sha256=digest_of("acceptance"),
        )
        return self.add(Action.PROPOSE, body, by=by, subject=digest).hash

    def gates(
        self,
        proposal: str,
        *,
        by: str = "evaluation",
        verdict: Verdict = Verdict.CROSS_VALIDATION,
        bundle: str | None = None,
        found: dict[str, bool] | None = None,
    ) -> str:
        known = self.state.proposals.get(proposal)
        own = BUNDLES[bundle] if bundle else known.body.bundle_sha256 if known else BUNDLES["one"]
        body = GatesBody(
            proposal=proposal,
            bundle_sha256=own,
            verdict=verdict,
            verdict_sha256=digest_of(f"{verdict} of {own}"),
            gates=tuple(
                GateFound(name=name, passed=passed) for name, passed in (found or PASSED).items()
            ),
        )
        return self.add(Action.GATES, body, by=by, subject=proposal).hash

    def both(self, proposal: str, *, found: dict[str, bool] | None = None) -> None:
        self.gates(proposal, found=found)
        self.gates(proposal, verdict=Verdict.LOCKED)

    def approve(
        self,
        proposal: str,
        *,
        by: str,
        overridden: tuple[str, ...] = (),
        days: float = 7,
        gates: tuple[str, ...] | None = None,
        **how: object,
    ) -> str:
        known = self.state.proposals.get(proposal)
        body = ApproveBody(
            proposal=proposal,
            gates=gates or (tuple(known.gates) if known and known.gates else (BUNDLES["one"],)),
            overridden=overridden,
            expires=self.time + timedelta(days=days),
        )
        return self.add(Action.APPROVE, body, by=by, subject=proposal, **how).hash

    def close(self, action: Action, proposal: str, *, by: str) -> str:
        return self.add(action, CloseBody(proposal=proposal), by=by, subject=proposal).hash

    def moves(
        self, change: Change, *, proposal: str | None = None, subject: str = ""
    ) -> tuple[AliasMove, ...]:
        return planned_moves(self.state, change, "luad", proposal=proposal, subject=subject)

    def intend(
        self,
        change: Change,
        *,
        by: str = "ben",
        proposal: str | None = None,
        subject: str | None = None,
        moves: tuple[AliasMove, ...] | None = None,
    ) -> str:
        if subject is None and proposal is not None:
            subject = self.state.proposals[proposal].body.bundle_sha256
        if subject is None:
            subject = self.state.last_known_good("luad").holder.bundle_sha256
        planned = moves or self.moves(change, proposal=proposal, subject=subject)
        body = IntentBody(change=change, model_name="luad", proposal=proposal, moves=planned)
        return self.add(Action.INTENT, body, by=by, subject=subject).hash

    def settle(self, intent: str, *, by: str = "ben", action: Action = Action.COMMIT) -> str:
        return self.add(action, SettleBody(intent=intent), by=by, subject=intent).hash

    def countersign(self, intent: str, *, by: str) -> str:
        return self.add(
            Action.COUNTERSIGN, CountersignBody(intent=intent), by=by, subject=intent
        ).hash

    def recall(self, bundle: str, *, by: str = "ben") -> str:
        digest = BUNDLES[bundle]
        body = RecallBody(model_name="luad", bundle_sha256=digest)
        return self.add(Action.RECALL, body, by=by, subject=digest).hash

    def approved(self, bundle: str = "one") -> str:
        """A proposal with both verdicts and the approvals of two people."""
        proposal = self.propose(bundle)
        self.both(proposal)
        self.approve(proposal, by="ann")
        self.approve(proposal, by="ben")
        return proposal

    def crown(self, bundle: str = "one") -> str:
        """A champion: proposed, approved, promoted."""
        return self.settle(self.intend(Change.PROMOTE, proposal=self.approved(bundle)))


def with_rule(**rule: object) -> Policy:
    """A policy of research whose champion needs what is given."""
    return a_policy(Kind.RESEARCH, champion=Rule.model_validate({"approvals": 1, **rule}))
