"""The program for outsiders: short, and it refuses what was not signed by whom it should."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from shazam.digest import digest_of
from shazam.promotion import dossier
from shazam.promotion.ledger.actions import Action, ApproveBody, PolicyBody, RevokeBody
from shazam.promotion.ledger.entry import Actor
from shazam.promotion.policy.document import Role
from tests.promotion.builder import KEYS, Bench, a_policy

VERIFIER = Path(dossier.__file__).with_name("verify_dossier.py")
ROOTS = [KEYS[f"root_{one}"].public.fingerprint for one in "abc"]


@pytest.fixture(scope="module")
def follow():
    return runpy.run_path(str(VERIFIER))["follow"]


@pytest.fixture
def bench():
    return Bench().begin()


def lines(bench):
    return [signed.text for signed in bench.entries]


def test_the_program_is_a_hundred_lines():
    assert len(VERIFIER.read_text().splitlines()) <= 100


def test_a_history_of_all_actions_leads_to_the_champion(bench, follow):
    bench.crown("one")
    bench.crown("two")
    champion, approvals = follow(lines(bench), ROOTS)["luad"]
    assert champion == bench.state.champion("luad").holder.bundle_sha256
    assert [one["actor"]["name"] for one in approvals] == ["Ann Alt", "Ben Beck"]
    bench.revoke("cem")
    bench.revoke("evaluation", by=("evaluation",))
    bench.put(a_policy(services=(), approval_days=3, people=a_policy().people[:2]))
    bench.recall("two", by="ann")
    assert follow(lines(bench), ROOTS) == {}


def append(bench, action, body, **how):
    """An entry that no rule is asked about."""
    signed = bench.draft(action, body, **how)
    bench.entries.append(signed)


@pytest.mark.parametrize("by", [("ann",), ("root_a",), ("ann", "ben"), ("training", "root_a")])
def test_a_key_that_others_revoke_is_refused(bench, follow, by):
    fingerprint = KEYS["cem"].public.fingerprint
    body = RevokeBody(key=fingerprint)
    append(bench, Action.REVOKE, body, by=by[0], with_keys=by, subject=fingerprint)
    with pytest.raises(SystemExit, match="entry 2: not signed by"):
        follow(lines(bench), ROOTS)


def test_an_approval_in_the_name_of_another_or_by_a_service_is_refused(bench, follow):
    proposal = bench.propose()
    bench.both(proposal)
    before = list(bench.entries)
    bench.approve(proposal, by="ann")
    body = bench.entries.pop().entry.of(ApproveBody)
    ben = Actor(id="ben", name="Ben Beck", role=Role.QUALITY)
    for by, actor, told in (("ann", ben, "not signed by Ben Beck"), ("training", None, "none of")):
        bench.entries = list(before)
        append(bench, Action.APPROVE, body, by=by, subject=proposal, actor=actor)
        with pytest.raises(SystemExit, match=f"entry 5: .*{told}"):
            follow(lines(bench), ROOTS)


def test_an_approval_with_a_revoked_key_is_refused(bench, follow):
    proposal = bench.propose()
    bench.both(proposal)
    bench.approve(proposal, by="ann")
    body = bench.entries.pop().entry.of(ApproveBody)
    bench.revoke("ann")
    append(bench, Action.APPROVE, body, by="ann", subject=proposal)
    with pytest.raises(SystemExit, match="entry 6: signed by a key of no policy, or revoked"):
        follow(lines(bench), ROOTS)


def test_one_root_changes_no_policy_and_others_begin_none(bench, follow):
    assert follow(lines(bench), ROOTS) == {}
    with pytest.raises(SystemExit, match="other roots than you trust"):
        follow(lines(bench), ROOTS[:2])
    other = a_policy(approval_days=3)
    append(bench, Action.POLICY, PolicyBody(policy=other), by="root_a", subject=digest_of(other))
    with pytest.raises(SystemExit, match="entry 2: not signed by Root a, or not by two roots"):
        follow(lines(bench), ROOTS)
