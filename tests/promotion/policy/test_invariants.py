"""Whatever holders of keys try in whatever order: what was promised of champions holds.

The promises are read off the entries, not off the state that the rules keep.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from shazam.errors import RefusedError
from shazam.promotion.ledger.actions import (
    Action,
    ApproveBody,
    Change,
    GatesBody,
    IntentBody,
    ProposeBody,
    RecallBody,
    RevokeBody,
    SettleBody,
    Verdict,
)
from shazam.promotion.ledger.chain import read_chain
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.policy.document import Kind, Person, Role, Rule, Target
from shazam.promotion.policy.replay import Replay
from tests.promotion.builder import BUNDLES, PASSED, Bench, a_policy

PEOPLE = ("ann", "ann_second", "ben", "cem")
EVERYBODY = (*PEOPLE, "training", "evaluation", "root_a", "stranger")
WHY = "the floor was missed by little, and no other model reads this stain"
FLOOR_FAILED = {**PASSED, "floor": False}
FOUND = (PASSED, PASSED, FLOOR_FAILED, {**PASSED, "no_leak": False})
bundles, anybody, people = (st.sampled_from(names) for names in (tuple(BUNDLES), EVERYBODY, PEOPLE))


def a_lax_policy():
    return a_policy(Kind.RESEARCH, champion=Rule(approvals=0))


def without_ben():
    return a_policy(people=tuple(one for one in a_policy().people if one.id != "ben"))


@cache
def begun(start: str) -> Bench:
    """A ledger that has only begun, or has had some champions."""
    if start == "research":
        bench = Bench(a_lax_policy()).begin()
        proposal = bench.propose("one")
        bench.gates(proposal, by="cem")
        bench.settle(bench.intend(Change.PROMOTE, proposal=proposal))
        return bench
    bench = Bench().begin()
    for bundle in {"empty": (), "under way": ("one",), "two": ("one", "two")}.get(start, BUNDLES):
        bench.crown(bundle)
    if start == "under way":
        bench.intend(Change.PROMOTE, by="ann", proposal=bench.approved("two"))
    return bench


class Ledger(RuleBasedStateMachine):
    """People, services and strangers try everything; what is refused leaves no trace."""

    @initialize(start=st.sampled_from(("empty", "research", "under way", "two", "three")))
    def begin(self, start):
        made = begun(start)
        self.bench = Bench(policy=made.policy, time=made.time, entries=list(made.entries))
        self.bench.state = made.state
        self.looked_at: set[object] = set()

    def attempt(self, action: Callable[[], object]) -> bool:
        before = self.bench.state
        try:
            action()
        except RefusedError:
            assert self.bench.state is before
            return False
        return True

    def is_new(self, what: object) -> bool:
        """Say of each thing once that it is new: entries never change, nor do their promises."""
        if what in self.looked_at:
            return False
        self.looked_at.add(what)
        return True

    def open_proposals(self) -> list[str]:
        return [own for own, one in self.bench.state.proposals.items() if one.is_open]

    @rule(bundle=bundles, by=anybody, aim=st.sampled_from((*Target, Target.CHAMPION)))
    def propose(self, bundle, by, aim):
        self.attempt(lambda: self.bench.propose(bundle, by=by, target=aim))

    @rule(data=st.data(), by=st.sampled_from(("evaluation", "evaluation", "cem", "training")),
          found=st.sampled_from(FOUND))  # fmt: skip
    def record(self, data, by, found):
        if known := self.open_proposals():
            proposal = data.draw(st.sampled_from(known))
            for verdict in Verdict:
                self.attempt(
                    lambda one=verdict: self.bench.gates(proposal, by=by, verdict=one, found=found)
                )

    @rule(data=st.data(), by=anybody, days=st.sampled_from((1, 7, 14, 15)))
    def approve(self, data, by, days):
        if known := self.open_proposals():
            proposal = data.draw(st.sampled_from(known))
            failed = tuple(sorted(self.bench.state.proposals[proposal].failed))
            self.attempt(
                lambda: self.bench.approve(
                    proposal, by=by, days=days, overridden=failed, reason=WHY
                )
            )

    @rule(bundle=bundles, proposer=st.sampled_from(("training", "ann", "cem")),
          found=st.sampled_from(FOUND))  # fmt: skip
    def make_ready(self, bundle, proposer, found):
        """Go the usual way, as far as the rules let it go."""
        self.settle("ann", Action.VOID)
        if not self.attempt(lambda: self.bench.propose(bundle, by=proposer)):
            return
        proposal = self.bench.entries[-1].hash
        self.attempt(lambda: self.bench.gates(proposal, found=found))
        self.attempt(lambda: self.bench.gates(proposal, verdict=Verdict.LOCKED))
        failed = tuple(sorted(self.bench.state.proposals[proposal].failed))
        for by in ("ann", "ben", "cem"):
            self.attempt(
                lambda one=by: self.bench.approve(proposal, by=one, overridden=failed, reason=WHY)
            )
        self.attempt(lambda: self.bench.intend(Change.PROMOTE, by="ann", proposal=proposal))

    @rule(data=st.data(), by=anybody)
    def promote(self, data, by):
        if known := self.open_proposals():
            proposal = data.draw(st.sampled_from(known))
            self.attempt(lambda: self.bench.intend(Change.PROMOTE, by=by, proposal=proposal))

    @rule(bundle=bundles, proposer=st.sampled_from(("training", "cem")),
          found=st.sampled_from((PASSED, FLOOR_FAILED)))  # fmt: skip
    def crown(self, bundle, proposer, found):
        self.make_ready(bundle=bundle, proposer=proposer, found=found)
        self.commit(by="ann")

    @rule(by=people)
    def commit(self, by):
        self.settle(by, Action.COMMIT)

    @rule(by=anybody)
    def roll_back(self, by):
        self.attempt(lambda: self.bench.intend(Change.ROLLBACK, by=by))

    @rule(by=people, bundle=bundles)
    def retire(self, by, bundle):
        self.attempt(lambda: self.bench.intend(Change.RETIRE, by=by, subject=BUNDLES[bundle]))

    @rule(by=anybody, action=st.sampled_from((Action.COMMIT, Action.COMMIT, Action.VOID)))
    def settle(self, by, action):
        for intent in self.bench.state.pending.values():
            self.attempt(lambda own=intent: self.bench.settle(own, by=by, action=action))

    @rule(by=people)
    def countersign(self, by):
        for intent in self.bench.state.unconfirmed:
            self.attempt(lambda own=intent: self.bench.countersign(own, by=by))

    @rule(
        what=st.sampled_from(("recall", "revoke", "lax", "without ben", "usual")),
        by=people,
        bundle=bundles,
        key=st.sampled_from(("ben", "training", "evaluation")),
    )
    def upset(self, what, by, bundle, key):
        match what:
            case "recall":
                self.attempt(lambda: self.bench.recall(bundle, by=by))
            case "revoke":
                self.attempt(lambda: self.bench.revoke(key))
            case "lax":
                self.attempt(lambda: self.bench.put(a_lax_policy()))
            case "without ben":
                self.attempt(lambda: self.bench.put(without_ben()))
            case _:
                self.attempt(lambda: self.bench.put(a_policy()))

    @rule(hours=st.sampled_from((-48, -1, 24, 24 * 8)))
    def let_time_pass(self, hours):
        self.bench.time += timedelta(hours=hours)

    @invariant()
    def aliases_are_those_of_the_last_commits(self):
        if not self.is_new(("aliases", len(self.bench.state.settled))):
            return
        held = {}
        for commit in self.commits():
            for move in self.intent_of(commit).entry.of(IntentBody).moves:
                held[move.alias] = move.after
        wanted = {alias: holder for alias, holder in held.items() if holder is not None}
        assert self.bench.state.aliases.get("luad", {}) == wanted

    @invariant()
    def what_is_champion_was_promoted_as_its_policy_asks_and_may_be_used(self):
        if not self.is_new(("champion", len(self.bench.entries))):
            return
        try:
            crowned = self.bench.state.champion("luad")
        except RefusedError:
            return
        bundle = crowned.holder.bundle_sha256
        barred = {one.entry.subject for one in self.bench.entries if self.bars(one)}
        assert bundle not in barred
        strict = self.bench.state.policy.kind is Kind.PRODUCTION
        if strict and self.is_new(("promoted", crowned.seq)):
            assert any(
                self.promoted_well(commit, bundle)
                for commit in self.commits()
                if commit.entry.seq <= crowned.seq
            )

    def teardown(self):
        if not hasattr(self, "bench"):
            return
        replay = Replay(roots=self.bench.state.roots)
        read_chain([signed.text for signed in self.bench.entries], visit=replay)
        assert replay.state == self.bench.state

    def commits(self) -> list[SignedEntry]:
        return [one for one in self.bench.entries if one.entry.action is Action.COMMIT]

    def by_hash(self, digest: str) -> SignedEntry:
        (found,) = (one for one in self.bench.entries if one.hash == digest)
        return found

    def intent_of(self, commit: SignedEntry) -> SignedEntry:
        return self.by_hash(commit.entry.of(SettleBody).intent)

    def bars(self, signed: SignedEntry) -> bool:
        if signed.entry.action is Action.RECALL:
            return signed.entry.of(RecallBody).bundle_sha256 == signed.entry.subject
        if signed.entry.action is not Action.INTENT:
            return False
        retired = signed.entry.of(IntentBody).change is Change.RETIRE
        return retired and any(
            one.entry.of(SettleBody).intent == signed.hash for one in self.commits()
        )

    def promoted_well(self, commit: SignedEntry, bundle: str) -> bool:
        intent = self.intent_of(commit).entry.of(IntentBody)
        if intent.change is not Change.PROMOTE or intent.proposal is None:
            return False
        proposal = self.by_hash(intent.proposal)
        body = proposal.entry.of(ProposeBody)
        if body.bundle_sha256 != bundle or body.target is not Target.CHAMPION:
            return False
        earlier = self.bench.entries[: commit.entry.seq - 1]
        verdicts = [
            one for one in earlier
            if one.entry.action is Action.GATES and one.entry.subject == proposal.hash
        ]  # fmt: skip
        return self.judged(verdicts, bundle) and self.agreed(proposal, verdicts, earlier, commit)

    def judged(self, verdicts: list[SignedEntry], bundle: str) -> bool:
        bodies = [one.entry.of(GatesBody) for one in verdicts]
        return (
            {body.verdict for body in bodies} == set(Verdict)
            and {body.bundle_sha256 for body in bodies} == {bundle}
            and {one.entry.actor.role for one in verdicts} == {Role.EVALUATION}
            and not any("no_leak" in body.failed for body in bodies)
        )

    def agreed(
        self,
        proposal: SignedEntry,
        verdicts: list[SignedEntry],
        earlier: list[SignedEntry],
        commit: SignedEntry,
    ) -> bool:
        revoked = {
            one.entry.of(RevokeBody).key for one in earlier if one.entry.action is Action.REVOKE
        }
        failed = {name for one in verdicts for name in one.entry.of(GatesBody).failed}
        given = [
            one for one in earlier
            if one.entry.action is Action.APPROVE
            and one.entry.subject == proposal.hash
            and one.entry.time < one.entry.of(ApproveBody).expires
            and commit.entry.time < one.entry.of(ApproveBody).expires
            and set(one.entry.of(ApproveBody).gates) == {own.hash for own in verdicts}
            and set(one.entry.of(ApproveBody).overridden) == failed
            and revoked.isdisjoint(one.signers)
        ]  # fmt: skip
        agreed = {one.entry.actor.id for one in given} - {proposal.entry.actor.id}
        clinical = any(one.entry.actor.role is Role.CLINICAL for one in given)
        others = {person.id for person in self.policy_at(commit)} - {proposal.entry.actor.id}
        return len(agreed) >= 2 and clinical and (not failed or others <= agreed)

    def policy_at(self, commit: SignedEntry) -> tuple[Person, ...]:
        replay = Replay(roots=self.bench.state.roots)
        read_chain([one.text for one in self.bench.entries[: commit.entry.seq]], visit=replay)
        return replay.state.policy.people


TestLedger = Ledger.TestCase
TestLedger.settings = settings(
    max_examples=80,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
