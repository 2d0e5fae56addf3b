"""A whole ledger is followed by the same rules that were asked before each entry."""

import json
from pathlib import Path

import pytest

from shazam.errors import LedgerError
from shazam.promotion.ledger.actions import Action, ApproveBody, Change
from shazam.promotion.ledger.chain import read_chain
from shazam.promotion.ledger.entry import Actor, sign_entry
from shazam.promotion.ledger.export import exported_entries
from shazam.promotion.ledger.trust import read_trust
from shazam.promotion.policy.document import Role
from shazam.promotion.policy.replay import Replay, follow
from tests.promotion.builder import BUNDLES, KEYS, Bench

OLD = Path(__file__).parents[1] / "fixtures" / "ledgers" / "v1"


@pytest.fixture(scope="module")
def bench():
    made = Bench().begin()
    made.crown("one")
    made.crown("two")
    made.settle(made.intend(Change.ROLLBACK))
    return made


def replayed(bench, texts):
    replay = Replay(roots=bench.state.roots)
    read_chain(texts, visit=replay)
    return replay.state


def test_a_ledger_leads_where_its_entries_led(bench):
    assert replayed(bench, [signed.text for signed in bench.entries]) == bench.state
    assert bench.state.champion("luad").holder.bundle_sha256 == BUNDLES["one"]
    assert bench.state.time == bench.entries[-1].entry.time


def test_other_roots_make_the_first_entry_wrong(bench):
    replay = Replay(roots=("0" * 64, "1" * 64))
    with pytest.raises(LedgerError, match=r"entry 1 breaks a rule: .* other root keys") as told:
        read_chain([bench.entries[0].text], visit=replay)
    assert told.value.seq == 1


def test_an_entry_that_breaks_a_rule_is_found_whoever_put_it_there(bench):
    """Somebody with a valid key and the database appends what no command would."""
    forger = Bench(time=bench.time)
    forger.entries, forger.state = list(bench.entries), bench.state
    proposal = forger.propose("three", by="ben")
    gates = forger.gates(proposal)
    body = ApproveBody(proposal=proposal, gates=(gates,), expires=forger.time.replace(year=2027))
    own = forger.draft(Action.APPROVE, body, by="ben", subject=proposal)
    texts = [signed.text for signed in (*forger.entries, own)]
    with pytest.raises(LedgerError, match=f"entry {len(texts)} breaks a rule: Ben Beck") as told:
        replayed(bench, texts)
    assert told.value.seq == len(texts)


def test_an_entry_with_a_wrong_signature_is_named(bench):
    last = bench.entries[-1]
    good = sign_entry(last.entry, keys=[KEYS["ben"]])
    envelope = json.loads(good.text)
    envelope["signatures"][0]["sig"] = json.loads(bench.entries[-2].text)["signatures"][0]["sig"]
    text = json.dumps(envelope, sort_keys=True, separators=(",", ":")).encode()
    with pytest.raises(LedgerError, match="entry 17: a signature is not by the key") as told:
        replayed(bench, [*(signed.text for signed in bench.entries[:-1]), text])
    assert told.value.seq == len(bench.entries)


def test_following_does_not_change_the_state_before(bench):
    fresh = Bench(time=bench.time)
    fresh.entries, fresh.state = list(bench.entries), bench.state
    before = bench.state
    actor = Actor(id="ann", name="Ann Alt", role=Role.CLINICAL)
    fresh.propose("three", by="ann")
    assert actor.id not in str(before.pending)
    assert before is bench.state
    assert len(before.proposals) + 1 == len(fresh.state.proposals)
    assert follow(before, fresh.entries[-1]) == fresh.state


def test_a_ledger_of_the_first_form_is_followed_for_ever():
    replay = Replay(roots=read_trust(OLD / "trust.json").roots)
    chain = read_chain(exported_entries(OLD / "ledger.jsonl"), visit=replay)
    assert replay.state.policy.kind
    assert len(chain.entries) > 10
