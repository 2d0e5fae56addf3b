"""Promotion, rollback, retirement and recall: what moves, who may, and what can come back."""

import pytest

from shazam.promotion.ledger.actions import Action, AliasMove, Change, Holder, Verdict
from shazam.promotion.policy.document import Target
from tests.promotion.builder import BUNDLES, PASSED, Bench, refused


@pytest.fixture
def bench():
    return Bench().begin()


def aliases(bench):
    names = {digest: name for name, digest in BUNDLES.items()}
    held = bench.state.aliases.get("luad", {})
    return {alias: names[holder.bundle_sha256] for alias, holder in held.items()}


def challenge(bench, bundle, *, by="evaluation"):
    proposal = bench.propose(bundle, target=Target.CHALLENGER)
    bench.gates(proposal)
    return bench.settle(bench.intend(Change.PROMOTE, by=by, proposal=proposal), by=by)


def test_a_service_promotes_to_challenger_and_not_to_champion(bench):
    challenge(bench, "one")
    assert aliases(bench) == {"challenger": "one"}
    with refused("not_a_person"):
        bench.intend(Change.PROMOTE, by="evaluation", proposal=bench.approved("two"))


@pytest.mark.parametrize("by", ["training", "root_a"])
def test_neither_training_nor_roots_move_aliases(bench, by):
    proposal = bench.propose(target=Target.CHALLENGER)
    bench.gates(proposal)
    with refused("not_a_mover"):
        bench.intend(Change.PROMOTE, by=by, proposal=proposal)
    intent = bench.intend(Change.PROMOTE, by="evaluation", proposal=proposal)
    with refused("not_a_mover"):
        bench.settle(intent, by=by)


def test_a_challenger_whose_gates_failed_is_not_promoted(bench):
    proposal = bench.propose(target=Target.CHALLENGER)
    bench.gates(proposal, found={**PASSED, "floor": False})
    with refused("gates_failed"):
        bench.intend(Change.PROMOTE, by="evaluation", proposal=proposal)


def test_a_champion_moves_three_aliases(bench):
    challenge(bench, "one")
    bench.crown("one")
    assert aliases(bench) == {"champion": "one"}
    challenge(bench, "two")
    bench.crown("two")
    assert aliases(bench) == {"champion": "two", "previous": "one"}
    challenge(bench, "three")
    assert aliases(bench) == {"champion": "two", "previous": "one", "challenger": "three"}


def test_nothing_moves_before_the_commit(bench):
    intent = bench.intend(Change.PROMOTE, proposal=bench.approved())
    assert aliases(bench) == {}
    with refused("no_champion"):
        bench.state.champion("luad")
    seq = len(bench.entries) + 1
    bench.settle(intent)
    assert bench.state.champion("luad").seq == seq


def test_a_void_leaves_all_as_it_was_and_the_proposal_open(bench):
    bench.crown("one")
    proposal = bench.approved("two")
    bench.settle(bench.intend(Change.PROMOTE, proposal=proposal), action=Action.VOID)
    assert aliases(bench) == {"champion": "one"}
    assert bench.state.proposals[proposal].is_open
    bench.settle(bench.intend(Change.PROMOTE, proposal=proposal))
    assert aliases(bench) == {"champion": "two", "previous": "one"}


def test_one_change_at_a_time(bench):
    first, second = bench.approved("one"), bench.approved("two")
    bench.intend(Change.PROMOTE, proposal=first)
    with refused("under_way"):
        bench.intend(Change.PROMOTE, proposal=second)
    with refused("under_way"):
        bench.close(Action.WITHDRAW, first, by="training")


def test_a_change_is_settled_once(bench):
    intent = bench.intend(Change.PROMOTE, proposal=bench.approved())
    done = bench.settle(intent)
    assert bench.state.settled == {intent: done}
    for action in (Action.COMMIT, Action.VOID):
        with refused("not_pending"):
            bench.settle(intent, action=action)
    with refused("not_pending"):
        bench.settle(BUNDLES["one"])


def test_a_promoted_proposal_is_closed(bench):
    proposal = bench.approved()
    done = bench.settle(bench.intend(Change.PROMOTE, proposal=proposal))
    assert bench.state.proposals[proposal].closed == done
    with refused("closed"):
        bench.intend(
            Change.PROMOTE,
            proposal=proposal,
            moves=(AliasMove(alias="champion", before=None, after=None),),
        )


def test_the_moves_are_those_of_the_state(bench):
    proposal = bench.approved("one")
    (right,) = bench.moves(Change.PROMOTE, proposal=proposal)
    other = Holder(version="9", bundle_sha256=BUNDLES["two"])
    for wrong in (
        right.model_copy(update={"after": other}),
        right.model_copy(update={"before": other}),
        right.model_copy(update={"alias": "challenger"}),
    ):
        with refused("other_moves"):
            bench.intend(Change.PROMOTE, proposal=proposal, moves=(wrong,))


def test_an_intent_is_of_the_bundle_of_its_proposal(bench):
    proposal = bench.approved("one")
    with refused("other_bundle"):
        bench.intend(Change.PROMOTE, proposal=proposal, subject=BUNDLES["two"])


def test_a_bundle_that_is_champion_already_is_not_promoted(bench):
    bench.crown("one")
    with refused("nothing_to_move"):
        bench.intend(Change.PROMOTE, proposal=bench.approved("one"))


def test_one_person_rolls_back_and_a_second_is_asked_for(bench):
    bench.crown("one")
    bench.crown("two")
    intent = bench.intend(Change.ROLLBACK, by="cem")
    bench.settle(intent, by="cem")
    assert aliases(bench) == {"champion": "one"}
    assert bench.state.unconfirmed == {intent}
    with refused("same_person"):
        bench.countersign(intent, by="cem")
    for by in ("evaluation", "root_a"):
        with refused("not_a_person"):
            bench.countersign(intent, by=by)
    bench.countersign(intent, by="ann")
    assert bench.state.unconfirmed == frozenset()
    with refused("not_unconfirmed"):
        bench.countersign(intent, by="ben")


def test_services_do_not_roll_back_retire_or_recall(bench):
    bench.crown("one")
    bench.crown("two")
    with refused("not_a_person"):
        bench.intend(Change.ROLLBACK, by="evaluation")
    with refused("not_a_person"):
        bench.intend(Change.RETIRE, by="evaluation", subject=BUNDLES["two"])
    with refused("not_a_person"):
        bench.recall("two", by="evaluation")


def test_rollbacks_go_back_one_by_one_and_never_forth(bench):
    for bundle in ("one", "two", "three"):
        bench.crown(bundle)
    bench.settle(bench.intend(Change.ROLLBACK))
    assert aliases(bench) == {"champion": "two", "previous": "one"}
    bench.settle(bench.intend(Change.ROLLBACK, by="cem"))
    assert aliases(bench) == {"champion": "one"}
    with refused("nothing_before"):
        bench.intend(Change.ROLLBACK)


def test_a_rolled_back_bundle_comes_back_only_by_a_new_proposal(bench):
    bench.crown("one")
    bench.crown("two")
    bench.settle(bench.intend(Change.ROLLBACK))
    bench.crown("two")
    assert aliases(bench) == {"champion": "two", "previous": "one"}
    bench.settle(bench.intend(Change.ROLLBACK, by="cem"))
    assert aliases(bench) == {"champion": "one"}


def test_a_rollback_is_of_no_proposal(bench):
    bench.crown("one")
    bench.crown("two")
    proposal = bench.propose("three")
    with refused("other_proposal"):
        bench.intend(Change.ROLLBACK, proposal=proposal, subject=BUNDLES["one"])


@pytest.mark.parametrize("how", ["recall", "retire"])
def test_what_was_recalled_or_retired_never_comes_back(bench, how):
    bench.crown("one")
    bench.crown("two")
    bench.crown("three")
    if how == "recall":
        bench.recall("two")
        assert aliases(bench)["previous"] == "two"
    else:
        bench.settle(bench.intend(Change.RETIRE, subject=BUNDLES["two"]))
        assert aliases(bench) == {"champion": "three"}
    bench.settle(bench.intend(Change.ROLLBACK))
    assert aliases(bench) == {"champion": "one"}
    with refused(f"{how}ed" if how == "recall" else "retired"):
        bench.propose("two")


def test_retiring_clears_every_alias_of_a_bundle(bench):
    bench.crown("one")
    bench.crown("two")
    bench.settle(bench.intend(Change.RETIRE, subject=BUNDLES["two"]))
    assert aliases(bench) == {"previous": "one"}
    with refused("no_champion"):
        bench.state.champion("luad")
    bench.settle(bench.intend(Change.ROLLBACK))
    assert aliases(bench) == {"champion": "one"}


def test_what_no_alias_points_at_is_not_retired(bench):
    bench.crown("one")
    with refused("nothing_to_move"):
        bench.intend(Change.RETIRE, subject=BUNDLES["three"])


def test_a_recalled_champion_is_not_loaded(bench):
    bench.crown("one")
    bench.recall("one")
    with refused("recalled"):
        bench.state.champion("luad")
    with refused("recalled_already"):
        bench.recall("one")


def test_a_recall_stops_a_promotion_that_is_under_way(bench):
    intent = bench.intend(Change.PROMOTE, proposal=bench.approved())
    bench.recall("one")
    with refused("recalled"):
        bench.settle(intent)
    bench.settle(intent, action=Action.VOID)
    assert aliases(bench) == {}


def test_a_recalled_bundle_is_not_promoted(bench):
    proposal = bench.approved()
    bench.recall("one")
    with refused("recalled"):
        bench.intend(Change.PROMOTE, proposal=proposal)


def test_proposals_are_made_once_by_people_and_services(bench):
    bench.propose("one", by="ann")
    with refused("proposed_already"):
        bench.propose("one")
    bench.propose("one", target=Target.CHALLENGER)
    with refused("not_a_proposer"):
        bench.propose("two", by="root_a")


def test_a_verdict_is_recorded_once_and_on_the_proposed_bundle(bench):
    proposal = bench.propose()
    with refused("other_bundle"):
        bench.gates(proposal, bundle="two")
    bench.gates(proposal)
    with refused("verdict_already"):
        bench.gates(proposal)
    for by in ("training", "ann", "root_a"):
        with refused("not_an_evaluator"):
            bench.gates(proposal, by=by, verdict=Verdict.LOCKED)
    with refused("no_proposal"):
        bench.gates(BUNDLES["one"])


def test_people_reject_and_who_proposed_withdraws(bench):
    proposal = bench.propose()
    for by, action in (("training", Action.REJECT), ("evaluation", Action.WITHDRAW)):
        with refused("not_a_person"):
            bench.close(action, proposal, by=by)
    closed = bench.close(Action.WITHDRAW, proposal, by="training")
    assert bench.state.proposals[proposal].closed == closed
    again = bench.propose()
    bench.close(Action.REJECT, again, by="ben")
    with refused("closed"):
        bench.gates(again)


def test_proposals_are_found_by_the_beginning_of_their_hash(bench):
    proposal = bench.propose()
    assert bench.state.proposal(proposal[:10]).hash == proposal
    for unknown in ("", "x" * 5):
        with refused("no_proposal"):
            bench.state.proposal(unknown)
