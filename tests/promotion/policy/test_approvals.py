"""Every way in which an approval is refused, and in which one stops to count."""

from datetime import timedelta

import pytest

from shazam.errors import SignatureError
from shazam.promotion.ledger.actions import Action, Change, Verdict
from shazam.promotion.ledger.entry import Actor, sign_entry
from shazam.promotion.policy.approvals import missing, valid_approvals
from shazam.promotion.policy.document import Kind, Person, Role, Rule, Service
from shazam.promotion.policy.replay import follow
from tests.promotion.builder import BUNDLES, KEYS, PASSED, Bench, a_policy, pem, refused, with_rule


@pytest.fixture
def bench():
    return Bench().begin()


@pytest.fixture
def proposal(bench):
    made = bench.propose()
    bench.both(made)
    return made


def lacking(bench, proposal):
    found = missing(bench.state, bench.state.proposals[proposal], time=bench.time)
    return [reason for reason, _ in found]


def test_two_people_one_of_them_clinical_suffice(bench, proposal):
    bench.approve(proposal, by="ann")
    bench.approve(proposal, by="ben")
    assert lacking(bench, proposal) == []


def test_1_the_proposer_cannot_approve(bench):
    proposal = bench.propose(by="ann")
    bench.both(proposal)
    with refused("proposer"):
        bench.approve(proposal, by="ann")
    with refused("proposer"):
        bench.approve(proposal, by="ann_second")


@pytest.mark.parametrize(("person", "name"), [("anna", "ANN ALT"), ("ann", "Somebody Else")])
@pytest.mark.parametrize("key", ["ann_second", "stranger"])
def test_1_nor_with_the_same_name_or_the_same_id(bench, person, name, key):
    proposal = bench.propose(by="ann")
    bench.both(proposal)
    roles = (Role.CLINICAL, Role.QUALITY)
    again = Person(id=person, name=name, keys=(pem(key),), roles=roles)
    bench.put(a_policy(people=(again, *a_policy().people[1:])))
    with refused("proposer"):
        bench.approve(proposal, by=key)


def test_1_nor_with_the_proposers_key_under_another_name(bench):
    proposal = bench.propose(by="ann")
    bench.both(proposal)
    other = Person(id="eve", name="Eve", keys=(pem("ann"),), roles=(Role.CLINICAL,))
    bench.put(a_policy(people=(other, *a_policy().people[1:])))
    with refused("proposer"):
        bench.approve(proposal, by="ann")


def test_2_one_person_does_not_count_twice(bench, proposal):
    bench.approve(proposal, by="ann")
    with refused("approved_already"):
        bench.approve(proposal, by="ann")
    with refused("approved_already"):
        bench.approve(proposal, by="ann_second")
    assert lacking(bench, proposal) == ["too_few_approvals"]


def test_3_without_a_clinical_approval_there_is_no_champion(bench, proposal):
    bench.approve(proposal, by="ben")
    bench.approve(proposal, by="cem")
    assert lacking(bench, proposal) == ["role_missing"]
    with refused("role_missing"):
        bench.intend(Change.PROMOTE, proposal=proposal)


def test_3_the_role_that_is_used_is_what_counts(bench, proposal):
    as_quality = Actor(id="ann", name="Ann Alt", role=Role.QUALITY)
    bench.approve(proposal, by="ann", actor=as_quality)
    bench.approve(proposal, by="ben")
    assert lacking(bench, proposal) == ["role_missing"]


def test_4_an_expired_approval_does_not_count(bench, proposal):
    bench.approve(proposal, by="ann", days=2)
    bench.approve(proposal, by="ben", days=7)
    bench.time += timedelta(days=3)
    assert lacking(bench, proposal) == ["too_few_approvals", "role_missing"]
    with refused("too_few_approvals"):
        bench.intend(Change.PROMOTE, proposal=proposal)
    bench.approve(proposal, by="ann")
    assert lacking(bench, proposal) == []


def test_4_not_even_when_the_clock_goes_back(bench, proposal):
    bench.approve(proposal, by="ann", days=2)
    bench.approve(proposal, by="ben", days=7)
    bench.time += timedelta(days=3)
    bench.propose("two")
    bench.time -= timedelta(days=3)
    with refused("too_few_approvals"):
        bench.intend(Change.PROMOTE, proposal=proposal)


@pytest.mark.parametrize("days", [-1, 0, 14.1])
def test_4_an_approval_expires_within_the_days_of_the_policy(bench, proposal, days):
    with refused("expiry"):
        bench.approve(proposal, by="ann", days=days)


def test_4_an_approval_may_last_as_long_as_the_policy_says(bench, proposal):
    bench.approve(proposal, by="ann", days=14)
    assert len(bench.state.proposals[proposal].approvals) == 1


def test_5_a_revoked_key_does_not_approve_and_its_pending_approvals_are_void(bench, proposal):
    bench.approve(proposal, by="ann")
    bench.approve(proposal, by="ben")
    bench.revoke("ben")
    assert lacking(bench, proposal) == ["too_few_approvals"]
    with refused("revoked_key"):
        bench.approve(proposal, by="ben")


def test_5_a_key_that_leaves_the_policy_voids_its_pending_approvals(bench, proposal):
    bench.approve(proposal, by="ann")
    bench.approve(proposal, by="ben")
    bench.put(a_policy(people=(a_policy().people[0], a_policy().people[2])))
    assert lacking(bench, proposal) == ["too_few_approvals"]


def test_5_a_role_that_was_taken_away_does_not_count(bench, proposal):
    bench.approve(proposal, by="ann")
    bench.approve(proposal, by="ben")
    ann, ben, cem = a_policy().people
    less = ann.model_copy(update={"roles": (Role.QUALITY,)})
    more = cem.model_copy(update={"roles": (Role.CLINICAL,)})
    bench.put(a_policy(people=(less, ben, more)))
    assert lacking(bench, proposal) == ["too_few_approvals", "role_missing"]


def test_5_earlier_promotions_stay_valid_after_a_revocation(bench):
    bench.crown()
    bench.revoke("ann")
    bench.revoke("ben")
    assert bench.state.champion("luad").holder.bundle_sha256 == BUNDLES["one"]


def test_6_one_key_under_two_names_is_refused_by_the_policy():
    twin = Person(id="twin", name="Twin", keys=(pem("ben"),), roles=(Role.CLINICAL,))
    with pytest.raises(ValueError, match="the same key stands twice"):
        a_policy(people=(*a_policy().people, twin))


def test_7_an_approval_of_verdicts_that_are_not_recorded_is_refused(bench, proposal):
    with refused("gates_not_seen"):
        bench.approve(proposal, by="ann", gates=(BUNDLES["two"],))
    first, _ = bench.state.proposals[proposal].gates
    with refused("gates_not_seen"):
        bench.approve(proposal, by="ann", gates=(first,))


def test_7_a_verdict_that_comes_later_voids_an_approval(bench):
    proposal = bench.propose()
    bench.gates(proposal)
    bench.approve(proposal, by="ann")
    bench.approve(proposal, by="ben")
    bench.gates(proposal, verdict=Verdict.LOCKED)
    assert lacking(bench, proposal) == ["too_few_approvals", "role_missing"]
    bench.approve(proposal, by="ann")
    bench.approve(proposal, by="ben")
    assert lacking(bench, proposal) == []


def test_7_an_approval_against_a_champion_that_was_replaced_is_void(bench):
    first, second = bench.approved("one"), bench.approved("two")
    bench.settle(bench.intend(Change.PROMOTE, proposal=first))
    with refused("too_few_approvals"):
        bench.intend(Change.PROMOTE, proposal=second)
    bench.approve(second, by="ann")
    bench.approve(second, by="ben")
    bench.settle(bench.intend(Change.PROMOTE, proposal=second))
    assert bench.state.champion("luad").holder.bundle_sha256 == BUNDLES["two"]


def test_8_services_and_roots_do_not_approve(bench, proposal):
    for by in ("training", "evaluation", "root_a"):
        with refused("not_a_person"):
            bench.approve(proposal, by=by)


def test_9_a_stranger_does_not_approve(bench, proposal):
    with refused("unknown_key"):
        bench.approve(proposal, by="stranger")


def test_10_nobody_approves_in_the_name_of_another(bench, proposal):
    ann = Actor(id="ann", name="Ann Alt", role=Role.CLINICAL)
    with refused("other_actor"):
        bench.approve(proposal, by="ben", actor=ann)
    with refused("wrong_role"):
        bench.approve(
            proposal, by="ben", actor=Actor(id="ben", name="Ben Beck", role=Role.CLINICAL)
        )
    with refused("other_actor"):
        bench.approve(proposal, by="ben", actor=Actor(id="ben", name="Ann Alt", role=Role.QUALITY))


def test_11_an_approval_is_signed_by_one_key(bench, proposal):
    with refused("too_many_keys"):
        bench.approve(proposal, by="ann", with_keys=("ann", "ben"))


def test_12_a_signature_of_something_else_is_refused(bench, proposal):
    bench.approve(proposal, by="ann")
    good = bench.entries.pop()
    bench.state = bench.state.__class__(
        **{
            name: getattr(bench.state, name)
            for name in bench.state.__dataclass_fields__
            if name != "proposals"
        },
        proposals={
            proposal: bench.state.proposals[proposal].__class__(
                **{
                    **{
                        name: getattr(bench.state.proposals[proposal], name)
                        for name in bench.state.proposals[proposal].__dataclass_fields__
                    },
                    "approvals": (),
                }
            )
        },
    )
    changed = good.entry.model_copy(update={"reason": "another reason"})
    forged = sign_entry(changed, keys=[KEYS["ann"]])
    swapped = forged.model_copy(
        update={
            "envelope": forged.envelope.model_copy(update={"signatures": good.envelope.signatures})
        }
    )
    with pytest.raises(SignatureError, match="entry 5"):
        follow(bench.state, swapped)


def test_13_a_closed_proposal_is_not_approved(bench, proposal):
    bench.close(Action.REJECT, proposal, by="ann")
    with refused("closed"):
        bench.approve(proposal, by="ben")


def test_14_what_nobody_proposed_is_not_approved(bench):
    with refused("no_proposal"):
        bench.approve(BUNDLES["one"], by="ben")


def test_15_a_recalled_bundle_is_not_approved(bench, proposal):
    bench.recall("one")
    with refused("recalled"):
        bench.approve(proposal, by="ann")


FLOOR_FAILED = {**PASSED, "floor": False}
WHY = "the floor was missed by 0.001 in 400 cases, and no other model reads this stain"


@pytest.fixture
def failing(bench):
    made = bench.propose()
    bench.both(made, found=FLOOR_FAILED)
    return made


def test_a_failed_gate_blocks(bench, failing):
    with refused("gates_failed"):
        bench.approve(failing, by="ann")
    assert lacking(bench, failing)[-1] == "gates_failed"


def test_an_override_names_exactly_what_failed(bench, failing):
    for named in (("canary",), ("floor", "canary")):
        with refused("gates_failed"):
            bench.approve(failing, by="ann", overridden=named, reason=WHY)


def test_an_override_needs_a_rationale(bench, failing):
    with refused("no_rationale"):
        bench.approve(failing, by="ann", overridden=("floor",), reason=" good enough        ")


def test_an_override_needs_all_people(bench, failing):
    bench.approve(failing, by="ann", overridden=("floor",), reason=WHY)
    bench.approve(failing, by="ben", overridden=("floor",), reason=WHY)
    assert lacking(bench, failing) == ["gates_failed"]
    with refused("gates_failed"):
        bench.intend(Change.PROMOTE, proposal=failing)
    bench.approve(failing, by="cem", overridden=("floor",), reason=WHY)
    assert lacking(bench, failing) == []


def test_the_person_who_proposed_is_not_asked_for_an_override(bench):
    proposal = bench.propose(by="cem")
    bench.both(proposal, found=FLOOR_FAILED)
    bench.approve(proposal, by="ann", overridden=("floor",), reason=WHY)
    bench.approve(proposal, by="ben", overridden=("floor",), reason=WHY)
    assert lacking(bench, proposal) == []


@pytest.mark.parametrize("gate", ["no_leak", "sound_predictions", "canary", "canary_candidate"])
def test_leaks_nan_and_canaries_are_never_overridden(bench, gate):
    proposal = bench.propose()
    bench.both(proposal, found={**PASSED, gate: False})
    with refused("cannot_override"):
        bench.approve(proposal, by="ann", overridden=(gate,), reason=WHY)
    assert "cannot_override" in lacking(bench, proposal)


def test_a_gate_that_failed_on_the_locked_cohort_alone_blocks_too(bench):
    proposal = bench.propose()
    bench.gates(proposal)
    bench.gates(proposal, verdict=Verdict.LOCKED, found=FLOOR_FAILED)
    with refused("gates_failed"):
        bench.approve(proposal, by="ann")


def test_without_verdicts_nothing_is_promoted(bench):
    proposal = bench.propose()
    assert lacking(bench, proposal)[:2] == ["no_verdict", "no_locked_verdict"]
    with refused("no_verdict"):
        bench.intend(Change.PROMOTE, proposal=proposal)


def test_a_champion_needs_the_verdict_on_a_locked_cohort(bench):
    proposal = bench.propose()
    bench.gates(proposal)
    bench.approve(proposal, by="ann")
    bench.approve(proposal, by="ben")
    assert lacking(bench, proposal) == ["no_locked_verdict"]


def test_the_locked_verdict_does_not_stand_for_the_cross_validated_one(bench):
    proposal = bench.propose()
    bench.gates(proposal, verdict=Verdict.LOCKED)
    assert lacking(bench, proposal)[0] == "no_verdict"


def test_a_policy_of_research_may_ask_for_less():
    bench = Bench(with_rule()).begin()
    proposal = bench.propose()
    bench.gates(proposal, by="cem")
    bench.approve(proposal, by="ben")
    assert lacking(bench, proposal) == []


def test_the_approvals_that_count_are_one_of_each_person(bench, proposal):
    bench.approve(proposal, by="ann", days=1)
    bench.time += timedelta(days=2)
    bench.approve(proposal, by="ann")
    found = valid_approvals(bench.state, bench.state.proposals[proposal], time=bench.time)
    assert [approval.seq for approval in found] == [6]


def test_research_and_production_differ_in_who_records_verdicts():
    bench = Bench(a_policy(Kind.RESEARCH)).begin()
    bench.gates(bench.propose(), by="ben")
    strict = Bench().begin()
    with refused("not_an_evaluator"):
        strict.gates(strict.propose(), by="ben")


def test_more_approvals_and_roles_can_be_asked_for():
    rule = Rule(approvals=3, roles=(Role.CLINICAL, Role.ENGINEERING), locked_verdict=True)
    bench = Bench(a_policy(champion=rule)).begin()
    proposal = bench.approved()
    assert lacking(bench, proposal) == ["too_few_approvals", "role_missing"]
    bench.approve(proposal, by="cem")
    assert lacking(bench, proposal) == []


def test_a_service_that_became_a_person_counts_for_nothing(bench, proposal):
    service = Service(
        id="evaluator", name="Evaluation", keys=(pem("evaluation"),), role="evaluation"
    )
    assert service in bench.state.policy.services
    with refused("not_a_person"):
        bench.approve(proposal, by="evaluation")
