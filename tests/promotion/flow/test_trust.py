"""The trust file as it is used: without it nothing, never back, and no ledger is begun twice."""

from __future__ import annotations

import shutil

import pytest

from shazam.errors import LedgerError, RefusedError, SignatureError
from shazam.promotion.flow.load import open_champion
from shazam.promotion.flow.policies import begin, put_in_force
from shazam.promotion.flow.registry import Registry
from shazam.promotion.ledger.checkpoint import (
    check_checkpoint,
    checkpoint_of,
    export_checkpoint,
    read_checkpoint,
    sign_checkpoint,
)
from shazam.promotion.ledger.sql import create_ledger
from shazam.promotion.ledger.trust import read_trust
from shazam.promotion.policy.document import Kind
from shazam.promotion.policy.signatures import keys_of
from tests.promotion.builder import KEYS, a_policy, people
from tests.promotion.flow.world import MODEL, WHY, World, hand


def another_reader(world, name):
    """A machine that got a copy of the trust file on the first day, and only reads."""
    trust = world.root / name / "trust.json"
    trust.parent.mkdir()
    shutil.copy(world.trust, trust)
    return Registry(store=world.ledger, trust=trust, clock=world.now)


def test_reading_takes_the_trust_file_on_so_that_an_old_copy_is_found(world):
    reader = another_reader(world, "reader")
    world.crown("one")
    old = (world.root / "ledger.db").read_bytes()
    world.crown("two")
    assert read_trust(reader.trust).seq == 1
    open_champion(MODEL, registry=reader, place=world.place)
    assert read_trust(reader.trust) == read_trust(world.trust)
    (world.root / "ledger.db").write_bytes(old)
    with pytest.raises(LedgerError, match="cut short, or is an old copy"):
        open_champion(MODEL, registry=reader, place=world.place)


def test_a_trust_file_that_is_older_than_the_ledger_is_good_and_read_only_is_left(
    world, monkeypatch
):
    reader = another_reader(world, "mounted")
    world.crown("one")
    before = reader.trust.read_bytes()
    monkeypatch.setattr("shazam.promotion.flow.registry.os.access", lambda *_: False)
    assert open_champion(MODEL, registry=reader, place=world.place).version == "1"
    assert reader.trust.read_bytes() == before


def test_beginning_again_with_the_same_policy_changes_nothing(world):
    head, trust = world.ledger.head(), world.trust.read_bytes()
    world.begin()
    assert (world.ledger.head(), world.trust.read_bytes()) == (head, trust)


def test_no_ledger_is_begun_over_another(world):
    head = world.ledger.head()
    other = a_policy(approval_days=7)
    arguments = {"store": world.ledger, "clock": world.now, "by": hand("root_a", "root_b")}
    with pytest.raises(LedgerError, match="under another policy"):
        begin(other, trust=world.trust, reason=WHY, **arguments)
    with pytest.raises(LedgerError, match="there is no trust file"):
        begin(other, trust=world.root / "new.json", reason=WHY, **arguments)
    assert world.ledger.head() == head
    assert not (world.root / "new.json").exists()


@pytest.mark.parametrize("keys", [("root_a",), ("root_a", "ann"), ("stranger", "root_a")])
def test_a_beginning_that_is_refused_leaves_no_trust_file(tmp_path, keys):
    world = World(tmp_path)
    with pytest.raises(RefusedError):
        begin(
            world.policy,
            store=world.ledger,
            trust=world.trust,
            clock=world.now,
            by=hand(*keys),
            reason=WHY,
        )
    assert not world.trust.exists()
    assert world.ledger.head().seq == 0
    world.begin()
    assert world.ledger.head().seq == 1


def test_an_empty_database_in_the_place_of_the_ledger_is_refused(world):
    world.crown("one")
    empty = Registry(
        store=create_ledger(f"sqlite:///{world.root / 'other.db'}"),
        trust=world.trust,
        clock=world.now,
    )
    with pytest.raises(LedgerError, match="cut short"):
        empty.read()
    with pytest.raises(LedgerError, match="cut short"):
        begin(
            a_policy(Kind.RESEARCH),
            store=empty.store,
            trust=world.trust,
            clock=world.now,
            by=hand("root_a", "root_b"),
            reason=WHY,
        )


def test_a_checkpoint_of_somebody_who_left_the_policy_is_still_read(world):
    world.crown("one")
    target = world.root / "checkpoint.json"
    seen = checkpoint_of(world.registry.read().entries, time=world.now())
    export_checkpoint(target, sign_checkpoint(seen, keys=[KEYS["cem"]]))
    left = a_policy(people=tuple(one for one in people() if one.id != "cem"))
    put_in_force(left, registry=world.registry, by=hand("root_a", "root_b"), reason=WHY)
    known = world.registry.read()
    assert KEYS["cem"].public.fingerprint not in keys_of(known.state.policy.holders)
    check_checkpoint(known.entries, read_checkpoint(target, keys=known.keys_ever()))
    export_checkpoint(target, sign_checkpoint(seen, keys=[KEYS["stranger"]]))
    with pytest.raises(SignatureError, match="which is not known"):
        read_checkpoint(target, keys=known.keys_ever())
