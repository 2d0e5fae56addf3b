"""A process that ends at any write of a promotion or rollback leaves all old or all new."""

import shutil
from datetime import timedelta

import pytest

from shazam.errors import RefusedError
from shazam.promotion.flow.changes import carry_out
from shazam.promotion.flow.reconcile import reconcile
from shazam.promotion.flow.registry import Registry
from shazam.promotion.flow.verify import findings
from shazam.promotion.ledger.actions import Action
from tests.promotion.flow.world import MODEL, World, hand
from tests.promotion.store import Stopped


class StoppingLedger:
    """A ledger that ends the process before or after its n-th append."""

    def __init__(self, ledger, *, at, after):
        self.ledger, self.left, self.after = ledger, at, after

    def append(self, signed):
        self.left -= 1
        if self.left == 0 and not self.after:
            raise Stopped
        self.ledger.append(signed)
        if self.left == 0:
            raise Stopped

    def head(self):
        return self.ledger.head()

    def texts(self):
        return self.ledger.texts()


def stop_in_ledger(world, *, at, after):
    world.registry = Registry(
        store=StoppingLedger(world.ledger, at=at, after=after), trust=world.trust, clock=world.now
    )


def as_the_ledger_says(world):
    world.registry = Registry(store=world.ledger, trust=world.trust, clock=world.now)
    world.store.stop_at = None
    done = reconcile(registry=world.registry, place=world.place, by=hand("ben"))
    known = world.registry.read()
    held = known.state.aliases.get(MODEL, {})
    assert world.store.aliases == {alias: holder.version for alias, holder in held.items()}
    assert [f for f in findings(known, place=world.place) if "second person" not in f.what] == []
    assert not known.state.pending
    return done


POINTS = [("ledger", 1, False), ("ledger", 1, True), ("ledger", 2, False), ("ledger", 2, True)]
POINTS += [("store", number, False) for number in (1, 2)]


@pytest.mark.parametrize(("where", "at", "after"), POINTS)
@pytest.mark.parametrize("what", ["promote", "roll_back"])
def test_reconciling_after_a_stop_gives_all_old_or_all_new(world, where, at, after, what):
    world.crown("one")
    world.crown("two")
    proposal = world.approved(world.bundle("three"))
    if where == "ledger":
        stop_in_ledger(world, at=at, after=after)
    else:
        world.store.stop_at = world.store.calls + at
    with pytest.raises(Stopped):
        world.promote(proposal) if what == "promote" else world.roll_back()
    as_the_ledger_says(world)
    new = {"promote": {"champion": "3", "previous": "2"}, "roll_back": {"champion": "1"}}[what]
    nothing_written = where == "ledger" and at == 1 and not after
    assert world.store.aliases == ({"champion": "2", "previous": "1"} if nothing_written else new)


def test_a_change_whose_bundle_is_gone_is_taken_back(world):
    world.crown("one")
    bundle = world.bundle("two")
    proposal = world.approved(bundle)
    world.store.stop_at = world.store.calls + 2
    with pytest.raises(Stopped):
        world.promote(proposal)
    shutil.rmtree(world.workspace.path(f"bundles/{bundle}"))
    shutil.rmtree(world.store.folders.pop("2"))
    done = as_the_ledger_says(world)
    assert [signed.entry.action for signed in done.settled] == [Action.VOID]
    assert world.store.aliases == {"champion": "1"}


def test_a_change_that_somebody_else_settled_meanwhile_is_not_settled_twice(world):
    proposal = world.approved(world.bundle("one"))
    stop_in_ledger(world, at=1, after=True)
    with pytest.raises(Stopped):
        world.promote(proposal)
    done = as_the_ledger_says(world)
    (commit,) = done.settled
    known = world.registry.read()
    intent = known.entry(commit.entry.body["intent"])
    again = carry_out(intent, registry=world.registry, place=world.place, by=hand("ben"))
    assert again == commit
    assert world.ledger.head().seq == commit.entry.seq


def test_a_recall_between_intent_and_commit_is_taken_back(world):
    bundle = world.bundle("one")
    proposal = world.approved(bundle)
    stop_in_ledger(world, at=1, after=True)
    with pytest.raises(Stopped):
        world.promote(proposal)
    world.registry = Registry(store=world.ledger, trust=world.trust, clock=world.now)
    from shazam.promotion.flow import promote as promotion

    promotion.recall(MODEL, bundle, registry=world.registry, by=hand("ann"), reason="a defect")
    done = as_the_ledger_says(world)
    assert [signed.entry.action for signed in done.settled] == [Action.VOID]


def test_a_promotion_that_the_rules_no_longer_allow_is_taken_back(world):
    world.crown("one")
    proposal = world.approved(world.bundle("two"))
    stop_in_ledger(world, at=2, after=False)
    with pytest.raises(Stopped):
        world.promote(proposal)
    assert world.store.aliases == {"champion": "2", "previous": "1"}
    world.time += timedelta(days=world.policy.approval_days + 1)
    done = as_the_ledger_says(world)
    assert [signed.entry.action for signed in done.settled] == [Action.VOID]
    assert world.store.aliases == {"champion": "1"}


def test_aliases_that_moved_are_put_right_without_an_entry(world):
    bundle = world.bundle("one")
    challenger = world.propose(bundle, target="challenger")
    world.record(challenger, verdict="cross_validation")
    world.promote(challenger, by="evaluation")
    world.promote(world.approved(bundle))
    world.bundle("two")
    world.store.aliases = {"champion": "2", "challenger": "2"}
    head = world.ledger.head()
    done = as_the_ledger_says(world)
    assert done.aliases == (f"{MODEL}: champion -> 1", f"{MODEL}: challenger -> nothing")
    assert world.ledger.head() == head


def test_a_challenger_from_before_the_ledger_may_stay(world):
    world.bundle("old")
    world.store.aliases = {"challenger": "1"}
    world.crown("one")
    assert world.store.aliases == {"challenger": "1", "champion": "2"}
    assert list(findings(world.registry.read(), place=world.place)) == []


def test_services_of_training_reconcile_nothing(tmp_path):
    world = World(tmp_path).begin()
    proposal = world.approved(world.bundle("one"))
    stop_in_ledger(world, at=1, after=True)
    with pytest.raises(Stopped):
        world.promote(proposal)
    world.registry = Registry(store=world.ledger, trust=world.trust, clock=world.now)
    with pytest.raises(RefusedError, check=lambda error: error.reason == "not_a_mover"):
        reconcile(registry=world.registry, place=world.place, by=hand("training"))
