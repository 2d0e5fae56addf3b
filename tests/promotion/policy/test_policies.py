"""Who may put a policy in force and revoke keys."""

import pytest
from pydantic import ValidationError

from shazam.promotion.ledger.actions import Action, PolicyBody, RevokeBody
from shazam.promotion.policy.document import Kind, Person, Role, Root, Rule
from tests.promotion.builder import KEYS, Bench, a_policy, pem, refused


def test_two_roots_begin_a_ledger():
    assert Bench().begin().state.policy == a_policy()


@pytest.mark.parametrize("by", [("root_a",), ("root_c",)])
def test_one_root_begins_none(by):
    with refused("too_few_roots"):
        Bench().begin(by=by)


def test_roots_other_than_the_trusted_ones_begin_none():
    bench = Bench()
    bench.state = type(bench.state)(roots=bench.state.roots[:2])
    with refused("other_roots"):
        bench.begin()


def test_a_person_does_not_sign_the_first_policy():
    with refused("unknown_key"):
        Bench().begin(by=("root_a", "ann"))


def test_two_keys_of_one_root_count_once():
    roots = (
        Root(id="root-a", name="Root a", keys=(pem("root_a"), pem("root_b"))),
        Root(id="root-c", name="Root c", keys=(pem("root_c"),)),
    )
    with refused("too_few_roots"):
        Bench(a_policy(roots=roots)).begin(by=("root_a", "root_b"))


def test_the_actor_of_a_policy_is_a_root_that_signed():
    bench = Bench().begin()
    body = PolicyBody(policy=a_policy(name="other"))
    with refused("other_actor"):
        bench.add(
            Action.POLICY, body, by="root_c", with_keys=("root_a", "root_b"), subject="0" * 64
        )


def test_two_roots_change_the_policy_and_one_does_not():
    bench = Bench().begin()
    with refused("too_few_roots"):
        bench.put(a_policy(approval_days=3), by=("root_a",))
    bench.put(a_policy(approval_days=3), by=("root_a", "root_c"))
    assert bench.state.policy.approval_days == 3


def test_production_stays_production():
    bench = Bench().begin()
    with refused("production_stays"):
        bench.put(a_policy(Kind.RESEARCH))


def test_research_may_become_production():
    bench = Bench(a_policy(Kind.RESEARCH)).begin()
    bench.put(a_policy())
    assert bench.state.policy.kind is Kind.PRODUCTION


def new_roots():
    return tuple(Root(id=name, name=name, keys=(pem(name),)) for name in ("root_d", "root_e"))


@pytest.mark.parametrize(
    "by",
    [
        ("root_a", "root_b"),
        ("root_a", "root_b", "root_d"),
        ("root_d", "root_e"),
        ("root_a", "root_d", "root_e"),
    ],
)
def test_other_roots_need_two_of_the_old_and_two_of_the_new(by):
    bench = Bench().begin()
    with refused("too_few_roots"):
        bench.put(a_policy(roots=new_roots()), by=by)


def test_roots_are_changed_by_old_and_new_together():
    bench = Bench().begin()
    bench.put(a_policy(roots=new_roots()), by=("root_a", "root_b", "root_d", "root_e"))
    with refused("unknown_key"):
        bench.revoke("ben", by=("root_a", "root_b"))
    bench.revoke("ben", by=("root_d", "root_e"))


def test_two_roots_revoke_a_key():
    bench = Bench().begin()
    revoked = bench.revoke("ben")
    assert bench.state.revoked == {KEYS["ben"].public.fingerprint: revoked.entry.seq}


def test_a_key_revokes_itself():
    bench = Bench().begin()
    bench.revoke("ben", by=("ben",))
    assert KEYS["ben"].public.fingerprint in bench.state.revoked


@pytest.mark.parametrize(
    ("by", "reason"),
    [
        (("ann",), "too_few_roots"),
        (("root_a",), "too_few_roots"),
        (("root_a", "ann"), "too_few_roots"),
        (("root_a", "root_b", "ann"), "not_a_root"),
        (("stranger",), "unknown_key"),
    ],
)
def test_others_do_not_revoke_a_key(by, reason):
    bench = Bench().begin()
    with refused(reason):
        bench.revoke("ben", by=by)


def test_a_key_that_is_nobodys_is_not_revoked():
    with refused("unknown_key"):
        Bench().begin().revoke("stranger")


def test_a_key_is_revoked_once():
    bench = Bench().begin()
    bench.revoke("ben")
    with refused("revoked_already"):
        bench.revoke("ben")


def test_the_actor_of_a_revocation_signed_it():
    bench = Bench().begin()
    fingerprint = KEYS["ben"].public.fingerprint
    body = RevokeBody(key=fingerprint)
    with refused("other_actor"):
        bench.add(
            Action.REVOKE, body, by="root_c", with_keys=("root_a", "root_b"), subject=fingerprint
        )


def test_two_roots_always_remain():
    bench = Bench().begin()
    bench.revoke("root_c")
    with refused("too_few_roots_left"):
        bench.revoke("root_b")


def test_a_revoked_key_signs_no_more_and_comes_back_in_no_policy():
    bench = Bench().begin()
    bench.revoke("root_c")
    with refused("revoked_key"):
        bench.put(a_policy(name="other"), by=("root_a", "root_c"))
    with refused("revoked_key"):
        bench.put(a_policy(name="other"))


def test_before_the_first_policy_nothing_is_done():
    with refused("no_policy"):
        Bench().propose()


def test_a_policy_that_nobody_could_meet_is_no_policy():
    for changed in (
        {"champion": Rule(approvals=1, roles=(Role.CLINICAL,), locked_verdict=True)},
        {"champion": Rule(approvals=2, roles=(), locked_verdict=True)},
        {"champion": Rule(approvals=2, roles=(Role.CLINICAL,), locked_verdict=False)},
        {"champion": Rule(approvals=4, roles=(Role.CLINICAL,), locked_verdict=True)},
        {"people": (Person(id="ben", name="Ben", keys=(pem("ben"),), roles=(Role.QUALITY,)),)},
        {"roots": (Root(id="root-a", name="Root a", keys=(pem("root_a"),)),)},
    ):
        with pytest.raises(ValueError, match=r"approvals|clinical|locked|at least 2|people"):
            a_policy(**changed)


@pytest.mark.parametrize(
    ("id_", "name", "key", "told"),
    [
        ("ANN", "Somebody", "dia", "the same id stands twice: ann"),
        ("dia", "ann  alt", "dia", "the same name stands twice: ann alt"),
        ("dia", "Dia Dorn", "ann", "the same key stands twice"),
        ("dia", "Dia Dorn", "root_a", "the same key stands twice"),
        ("dia", "Dia Dorn", "evaluation", "the same key stands twice"),
    ],
)
def test_one_key_or_name_is_not_two_people(id_, name, key, told):
    twin = Person(id=id_, name=name, keys=(pem(key),), roles=(Role.QUALITY,))
    with pytest.raises(ValueError, match=told):
        a_policy(people=(*a_policy().people, twin))


def test_roles_of_people_and_services_are_their_own():
    with pytest.raises(ValueError, match="people have the roles clinical, engineering, quality"):
        Person(id="ben", name="Ben", keys=(pem("ben"),), roles=(Role.EVALUATION,))
    with pytest.raises(ValueError, match="services have the roles evaluation, training"):
        a_policy(services=({"id": "s", "name": "S", "keys": (pem("dia"),), "role": "clinical"},))


@pytest.mark.parametrize("name", ["", "Ann\x1b[2J", "Ann\u202enna", "Ann\x00", "a" * 201])
def test_a_name_that_would_not_be_shown_as_it_is_written_is_refused(name):
    with pytest.raises(ValidationError, match="name"):
        Person(id="ann", name=name, keys=(pem("ann"),), roles=(Role.CLINICAL,))
