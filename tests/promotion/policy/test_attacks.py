"""What holders of valid keys could append to get round the rules."""

from datetime import UTC, datetime, timedelta

import pytest

from shazam.promotion.ledger.actions import Action, ApproveBody, Change, Verdict
from shazam.promotion.policy.approvals import missing
from shazam.promotion.policy.document import Kind, Person, Role, Rule, Target
from tests.promotion.builder import (
    BUNDLES,
    PASSED,
    START_TIME,
    Bench,
    a_policy,
    pem,
    refused,
    with_rule,
)

FLOOR_FAILED = {**PASSED, "floor": False}


@pytest.fixture
def bench():
    return Bench().begin()


@pytest.fixture
def proposal(bench):
    return bench.approved()


def lacking(bench, proposal):
    found = missing(bench.state, bench.state.proposals[proposal], time=bench.time)
    return [reason for reason, _ in found]


def a_bench_of_research(**rule):
    return Bench(with_rule(**rule)).begin()


# between the intent and its commit


def test_an_approver_whose_key_is_revoked_meanwhile_stops_the_commit(bench, proposal):
    intent = bench.intend(Change.PROMOTE, by="cem", proposal=proposal)
    bench.revoke("ben")
    with refused("too_few_approvals"):
        bench.settle(intent, by="cem")
    bench.settle(intent, by="cem", action=Action.VOID)
    assert bench.state.alias("luad", "champion") is None


def test_a_verdict_that_comes_meanwhile_stops_the_commit(bench):
    proposal = bench.propose(target=Target.CHALLENGER)
    bench.gates(proposal)
    intent = bench.intend(Change.PROMOTE, by="evaluation", proposal=proposal)
    bench.gates(proposal, verdict=Verdict.LOCKED, found={**PASSED, "no_leak": False})
    with refused("cannot_override"):
        bench.settle(intent, by="evaluation")


def test_approvals_that_expire_meanwhile_stop_the_commit(bench, proposal):
    intent = bench.intend(Change.PROMOTE, proposal=proposal)
    bench.time += timedelta(days=8)
    with refused("too_few_approvals"):
        bench.settle(intent)


@pytest.mark.parametrize("change", [Change.ROLLBACK, Change.RETIRE])
def test_a_change_begun_with_a_stolen_key_is_not_committed_by_others(bench, change):
    bench.crown("one")
    bench.crown("two")
    subject = None if change is Change.ROLLBACK else BUNDLES["two"]
    intent = bench.intend(change, by="ben", subject=subject)
    bench.revoke("ben")
    with refused("revoked_key"):
        bench.settle(intent, by="ann")
    bench.settle(intent, by="ann", action=Action.VOID)
    assert bench.state.champion("luad").holder.bundle_sha256 == BUNDLES["two"]


def test_nor_is_one_whose_key_left_the_policy(bench):
    bench.crown("one")
    bench.crown("two")
    intent = bench.intend(Change.ROLLBACK, by="ben")
    bench.put(a_policy(people=tuple(one for one in a_policy().people if one.id != "ben")))
    with refused("revoked_key"):
        bench.settle(intent, by="ann")


def test_a_recall_of_the_bundle_to_come_back_stops_the_commit_of_a_rollback(bench):
    bench.crown("one")
    bench.crown("two")
    intent = bench.intend(Change.ROLLBACK)
    bench.recall("one")
    with refused("recalled"):
        bench.settle(intent)


def test_a_recall_of_the_champion_does_not_stop_what_replaces_it(bench):
    bench.crown("one")
    intent = bench.intend(Change.PROMOTE, proposal=bench.approved("two"))
    bench.recall("one")
    bench.settle(intent)
    assert bench.state.champion("luad").holder.bundle_sha256 == BUNDLES["two"]


# through a policy of research


def test_a_verdict_by_a_person_does_not_count_once_the_policy_is_production():
    bench = a_bench_of_research()
    proposal = bench.propose()
    bench.gates(proposal, by="cem")
    bench.gates(proposal, verdict=Verdict.LOCKED)
    bench.approve(proposal, by="ann")
    bench.approve(proposal, by="ben")
    assert lacking(bench, proposal) == []
    bench.put(a_policy())
    assert lacking(bench, proposal) == ["verdict_by_person"]


def test_verdicts_by_the_service_count_on_when_the_policy_becomes_production():
    bench = a_bench_of_research()
    proposal = bench.approved()
    bench.put(a_policy())
    assert lacking(bench, proposal) == []


def a_champion_of_research(bundle="one"):
    bench = a_bench_of_research()
    proposal = bench.propose(bundle)
    bench.gates(proposal, by="cem")
    bench.approve(proposal, by="ben")
    bench.settle(bench.intend(Change.PROMOTE, proposal=proposal))
    return bench


def test_a_champion_of_research_is_none_in_production_until_it_is_approved_again():
    bench = a_champion_of_research()
    assert bench.state.champion("luad").kind is Kind.RESEARCH
    bench.put(a_policy())
    with refused("champion_of_research"):
        bench.state.champion("luad")
    before = len(bench.entries)
    bench.crown("one")
    crowned = bench.state.champion("luad")
    assert crowned.kind is Kind.PRODUCTION
    assert crowned.seq > before
    assert set(bench.state.aliases["luad"]) == {"champion"}
    with refused("nothing_to_move"):
        bench.intend(Change.PROMOTE, proposal=bench.approved("one"))


def test_production_is_not_rolled_back_to_a_champion_of_research():
    bench = a_champion_of_research()
    bench.put(a_policy())
    bench.crown("two")
    with refused("nothing_before"):
        bench.intend(Change.ROLLBACK)
    bench.crown("three")
    bench.settle(bench.intend(Change.ROLLBACK))
    assert bench.state.champion("luad").holder.bundle_sha256 == BUNDLES["two"]
    assert bench.state.alias("luad", "previous") is None


def test_research_is_rolled_back_to_a_champion_of_research():
    bench = a_champion_of_research()
    bench.crown("two")
    bench.settle(bench.intend(Change.ROLLBACK))
    assert bench.state.champion("luad").holder.bundle_sha256 == BUNDLES["one"]


def test_an_intent_of_research_is_not_committed_by_production():
    bench = a_bench_of_research(approvals=0)
    proposal = bench.propose()
    bench.gates(proposal)
    intent = bench.intend(Change.PROMOTE, proposal=proposal)
    bench.put(a_policy())
    with refused("no_locked_verdict"):
        bench.settle(intent)


def test_a_rollback_of_research_is_not_committed_by_production():
    bench = a_champion_of_research()
    bench.crown("two")
    intent = bench.intend(Change.ROLLBACK)
    bench.put(a_policy())
    with refused("nothing_before"):
        bench.settle(intent)


# failed gates that nobody is asked about


@pytest.mark.parametrize("alone", [(), ("cem",)])
def test_a_failed_gate_blocks_where_nobody_can_override(alone):
    people = tuple(one for one in a_policy().people if one.id in alone)
    bench = Bench(a_policy(Kind.RESEARCH, champion=Rule(approvals=0), people=people)).begin()
    proposal = bench.propose(by="cem" if alone else "training", target=Target.CHALLENGER)
    bench.gates(proposal, found=FLOOR_FAILED)
    assert lacking(bench, proposal) == ["gates_failed"]
    with refused("gates_failed"):
        bench.intend(Change.PROMOTE, by="evaluation", proposal=proposal)


# dates


def test_an_entry_dated_far_ahead_does_not_block_approvals_for_ever(bench):
    now = bench.time
    bench.time = datetime(9000, 1, 1, tzinfo=UTC)
    bench.propose("three")
    bench.time = now
    proposal = bench.approved("one")
    assert lacking(bench, proposal) == []
    bench.settle(bench.intend(Change.PROMOTE, proposal=proposal))


def test_of_later_entries_the_latest_counts_and_not_the_last(bench, proposal):
    now = bench.time
    bench.time += timedelta(days=9)
    bench.propose("two")
    bench.time = now + timedelta(days=1)
    bench.propose("three")
    bench.time = now
    assert lacking(bench, proposal) == ["too_few_approvals", "role_missing"]


def test_an_approval_dated_ahead_does_not_last_until_then(bench):
    proposal = bench.propose()
    bench.both(proposal)
    bench.approve(proposal, by="ann")
    now = bench.time
    bench.time = now + timedelta(days=3)
    bench.approve(proposal, by="ben", days=14)
    bench.time = now
    assert lacking(bench, proposal) == ["too_few_approvals"]
    bench.time = now + timedelta(days=3)
    assert lacking(bench, proposal) == []


def test_clocks_of_two_people_may_differ_by_an_hour(bench, proposal):
    last = bench.state.proposals[proposal].approvals[-1].given
    bench.time = last - timedelta(hours=1)
    assert lacking(bench, proposal) == []
    bench.time -= timedelta(minutes=2)
    assert lacking(bench, proposal) == ["too_few_approvals", "role_missing"]


def test_an_approval_in_the_last_year_is_refused_and_does_not_end_the_check(bench):
    proposal = bench.propose()
    bench.both(proposal)
    bench.time = datetime(9999, 12, 31, tzinfo=UTC)
    body = ApproveBody(
        proposal=proposal,
        gates=tuple(bench.state.proposals[proposal].gates),
        expires=START_TIME,
    )
    with refused("expiry"):
        bench.add(Action.APPROVE, body, by="ann", subject=proposal)


# keys that are no longer good


@pytest.mark.parametrize(
    ("key", "reason"), [("training", "proposer_revoked"), ("evaluation", "evaluator_revoked")]
)
def test_what_a_stolen_service_key_prepared_is_not_promoted(bench, proposal, key, reason):
    bench.revoke(key)
    assert lacking(bench, proposal) == [reason]
    with refused(reason):
        bench.intend(Change.PROMOTE, proposal=proposal)


def test_a_service_key_that_is_replaced_by_a_policy_leaves_proposals_as_they_are(bench, proposal):
    services = tuple(
        one.model_copy(update={"keys": (pem("dia"),)}) if one.id == "trainer" else one
        for one in a_policy().services
    )
    bench.put(a_policy(services=services))
    assert lacking(bench, proposal) == []


@pytest.mark.parametrize("lost", ["key", "role", "person"])
def test_an_approval_stays_void_when_its_key_or_role_comes_back(bench, proposal, lost):
    ann, ben, cem = a_policy().people
    one = {
        "key": Person(id="ann", name="Ann Alt", keys=(pem("ann_second"),), roles=ann.roles),
        "role": ann.model_copy(update={"roles": (Role.QUALITY,)}),
        "person": Person(id="eve", name="Eve", keys=ann.keys, roles=ann.roles),
    }[lost]
    more = cem.model_copy(update={"roles": (Role.CLINICAL,)})
    bench.put(a_policy(people=(one, ben, more)))
    bench.put(a_policy())
    assert lacking(bench, proposal) == ["too_few_approvals", "role_missing"]
    bench.approve(proposal, by="ann")
    assert lacking(bench, proposal) == []


def test_a_policy_that_takes_nothing_from_people_voids_nothing(bench, proposal):
    ann, ben, cem = a_policy().people
    more = ben.model_copy(
        update={"roles": (Role.QUALITY, Role.ENGINEERING), "keys": (*ben.keys, pem("dia"))}
    )
    bench.put(a_policy(people=(ann, more, cem), approval_days=7))
    assert lacking(bench, proposal) == []


def test_the_proposer_does_not_approve_with_another_own_key_under_another_name(bench):
    proposal = bench.propose(by="ann")
    bench.both(proposal)
    other = Person(id="eve", name="Eve", keys=(pem("ann_second"),), roles=(Role.CLINICAL,))
    bench.put(a_policy(people=(other, *a_policy().people[1:])))
    with refused("proposer"):
        bench.approve(proposal, by="ann_second")


def test_an_approval_that_expires_as_it_is_given_is_refused(bench):
    proposal = bench.propose()
    bench.both(proposal)
    with refused("expiry"):
        bench.approve(proposal, by="ann", days=1 / (24 * 60))  # an entry is a minute after the last


# rollbacks by one person


def test_one_person_does_not_go_back_further_while_nobody_has_confirmed(bench):
    for bundle in ("one", "two", "three"):
        bench.crown(bundle)
    first = bench.intend(Change.ROLLBACK, by="ann")
    bench.settle(first, by="ann")
    for key in ("ann", "ann_second"):
        with refused("unconfirmed"):
            bench.intend(Change.ROLLBACK, by=key)
    assert bench.state.champion("luad").holder.bundle_sha256 == BUNDLES["two"]
    bench.countersign(first, by="ben")
    bench.settle(bench.intend(Change.ROLLBACK, by="ann"), by="ann")
    assert bench.state.champion("luad").holder.bundle_sha256 == BUNDLES["one"]


@pytest.mark.parametrize(("person", "key"), [("eve", "ann"), ("ann", "stranger")])
def test_nor_with_the_same_key_under_another_name_or_another_key_of_the_same(bench, person, key):
    for bundle in ("one", "two", "three"):
        bench.crown(bundle)
    bench.settle(bench.intend(Change.ROLLBACK, by="ann"), by="ann")
    _, ben, cem = a_policy().people
    roles = (Role.CLINICAL, Role.QUALITY)
    again = Person(id=person, name="Eve", keys=(pem(key),), roles=roles)
    bench.put(a_policy(people=(again, ben, cem)))
    with refused("unconfirmed"):
        bench.intend(Change.ROLLBACK, by=key)


def test_in_an_emergency_another_person_goes_back_further(bench):
    for bundle in ("one", "two", "three"):
        bench.crown(bundle)
    bench.settle(bench.intend(Change.ROLLBACK, by="ann"), by="ann")
    bench.recall("two", by="ben")
    bench.settle(bench.intend(Change.ROLLBACK, by="ben"), by="ben")
    assert bench.state.champion("luad").holder.bundle_sha256 == BUNDLES["one"]
    assert len(bench.state.unconfirmed) == 2


def test_a_rollback_is_not_confirmed_with_the_same_key_under_another_name(bench):
    bench.crown("one")
    bench.crown("two")
    intent = bench.intend(Change.ROLLBACK, by="ann_second")
    bench.settle(intent, by="ann_second")
    _, ben, cem = a_policy().people
    other = Person(id="eve", name="Eve", keys=(pem("ann_second"),), roles=(Role.CLINICAL,))
    bench.put(a_policy(people=(other, ben, cem)))
    with refused("same_person"):
        bench.countersign(intent, by="ann_second")
    bench.countersign(intent, by="ben")


def test_an_entry_is_good_in_its_own_place_alone(bench, proposal):
    """An approval that was signed once is appended again, in another place."""
    from shazam.errors import LedgerError
    from shazam.promotion.ledger.chain import read_chain

    texts = [signed.text for signed in bench.entries]
    with pytest.raises(LedgerError, match=f"says it is entry {len(texts)}"):
        read_chain([*texts, texts[-1]])


def test_an_approval_of_another_proposal_of_the_same_bundle_does_not_count(bench, proposal):
    bench.close(Action.WITHDRAW, proposal, by="training")
    again = bench.propose()
    bench.both(again)
    assert lacking(bench, again) == ["too_few_approvals", "role_missing"]


def test_an_intent_dated_back_before_the_expiry_is_refused_once_any_later_entry_is_there(
    bench, proposal
):
    """Approvals of ann and ben have expired; ben dates his intent back to when they had not."""
    now = bench.time
    bench.time = now + timedelta(days=30)
    bench.propose("two")
    bench.time = now
    with refused("too_few_approvals"):
        bench.intend(Change.PROMOTE, proposal=proposal)
