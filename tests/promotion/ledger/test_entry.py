"""An entry has one form, and says one thing."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from shazam.digest import canonical_json, digest_of
from shazam.errors import LedgerError, SignatureError
from shazam.promotion.ledger.actions import (
    BODY_OF,
    MEANING,
    Action,
    AliasMove,
    ApproveBody,
    Body,
    Change,
    CloseBody,
    GateFound,
    GatesBody,
    IntentBody,
    ProposeBody,
    Verdict,
)
from shazam.promotion.ledger.entry import (
    MOST_BYTES,
    PAYLOAD_TYPE,
    START,
    Entry,
    hash_of,
    make_entry,
    read_entry,
    sign_entry,
)
from shazam.promotion.ledger.subject import subjects_of
from shazam.promotion.signing.dsse import Envelope, sign
from tests.promotion.ledger import made

ALL = range(1, len(Action) + 1)


def enveloped(content: object) -> bytes:
    return sign(canonical_json(content), payload_type=PAYLOAD_TYPE, keys=[made.ACTOR_KEY]).text


def plain(number: int = 3) -> dict:
    return made.entry(number).model_dump(mode="json")


def test_all_actions_are_made():
    assert {made.saying(number)[0] for number in ALL} == set(Action)
    assert set(BODY_OF) == set(MEANING) == set(Action)


@pytest.mark.parametrize("number", ALL)
def test_an_entry_of_each_action_reads_back(number):
    signed = made.signed(number)
    again = read_entry(signed.text)
    assert again == signed
    assert again.entry.meaning == MEANING[again.entry.action]
    assert again.hash == hash_of(signed.text)
    assert again.entry.of(BODY_OF[again.entry.action]) == made.saying(number)[1]


def test_a_hash_is_that_of_the_whole_text():
    assert hash_of(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_form_of_an_entry_stays():
    """These digests are in ledgers that exist: no release may change them."""
    assert [digest_of(made.entry(number))[:8] for number in (1, 2, 7)] == [
        *("28c45126", "46fc3351", "d564bc8e"),
    ]


@pytest.mark.parametrize("number", ALL)
def test_another_subject_is_refused(number):
    with pytest.raises(LedgerError, match="its subject is not what its body says"):
        read_entry(enveloped(plain(number) | {"subject": "d" * 64}))


@pytest.mark.parametrize("number", ALL)
def test_another_meaning_is_refused(number):
    with pytest.raises(LedgerError, match=r"^its meaning is not that of '[a-z]+'$"):
        read_entry(enveloped(plain(number) | {"meaning": "I do something else"}))


@pytest.mark.parametrize("number", ALL)
def test_the_body_of_another_action_is_refused(number):
    body = {"something": 1}
    with pytest.raises(LedgerError, match="its body is not that of"):
        read_entry(enveloped(plain(number) | {"body": body}))


@pytest.mark.parametrize(
    "change",
    [
        {"format": "shazam-ledger-entry-2"},
        {"seq": 0},
        {"seq": -1},
        {"seq": "3"},
        {"seq": 3.0},
        {"previous": "A" * 64},
        {"previous": "a" * 63},
        {"time": "2026-03-01T12:00:00"},
        {"time": "2026-03-01T12:00:00+01:00"},
        {"time": "2026-03-01T12:00:00+00:00"},
        {"time": "2026-03-01T12:00:00.000001Z"},
        {"time": 1772366400},
        {"reason": ""},
        {"reason": "x" * 2001},
        {"reason": None},
        {"action": "promote"},
        {"extra": 1},
        {"actor": {"id": "b ito", "name": "Ben Ito", "role": "engineering"}},
        {"actor": {"id": "b.ito", "name": "", "role": "engineering"}},
        {"actor": {"id": "b.ito", "name": "Ben Ito", "role": "boss"}},
        {"body": []},
    ],
    ids=str,
)
def test_a_field_that_is_out_of_bounds_or_in_another_form_is_refused(change):
    with pytest.raises(LedgerError):
        read_entry(enveloped(plain() | change))


@pytest.mark.parametrize("name", sorted(plain()))
def test_a_missing_field_is_refused(name):
    content = plain()
    del content[name]
    with pytest.raises(LedgerError):
        read_entry(enveloped(content))


@pytest.mark.parametrize(
    "sign", ["\x00", "\x1b", "\r", "\x7f", "\x9b", "\u2028", "\u202e", "\u2066"]
)
def test_a_reason_holds_no_sign_that_changes_the_words_around_it(sign):
    with pytest.raises(ValidationError, match="String should match pattern"):
        made.entry(3, reason=f"good{sign}bad")
    with pytest.raises(LedgerError, match="reason: String should match pattern"):
        read_entry(enveloped(plain() | {"reason": f"good{sign}bad"}))


@pytest.mark.parametrize(
    "reason", ["x", "x" * 2000, "two\nlines\tand a tab", "Größe β 病理 \u200d"]
)
def test_a_reason_holds_any_words(reason):
    assert read_entry(made.signed(3, reason=reason).text).entry.reason == reason


@pytest.mark.parametrize("wrong", [b"NaN", b"1e999", b"-Infinity"])
def test_a_number_that_json_has_not_is_refused(wrong):
    content = canonical_json(plain() | {"body": {"x": "HERE"}}).replace(b'"HERE"', wrong)
    text = sign(content, payload_type=PAYLOAD_TYPE, keys=[made.ACTOR_KEY]).text
    with pytest.raises(LedgerError, match=r"^not written in its one canonical form$"):
        read_entry(text)


def test_a_body_has_one_form():
    body = plain()["body"]
    body["gates"][0]["passed"] = "yes"
    with pytest.raises(LedgerError, match=r"^its body is not written in its one canonical form$"):
        read_entry(enveloped(plain() | {"body": body}))


def test_a_body_leaves_nothing_out():
    """A default that a later release changes must not change what was signed."""
    body = plain(4)["body"]
    del body["overridden"]
    with pytest.raises(LedgerError, match=r"^its body is not written in its one canonical form$"):
        read_entry(enveloped(plain(4) | {"body": body}))


def test_spaces_and_another_order_are_refused():
    loose = json.dumps(plain()).encode()
    text = sign(loose, payload_type=PAYLOAD_TYPE, keys=[made.ACTOR_KEY]).text
    with pytest.raises(LedgerError, match=r"^not written in its one canonical form$"):
        read_entry(text)
    envelope = json.dumps(json.loads(made.signed(3).text)).encode()
    with pytest.raises(LedgerError, match="one canonical form"):
        read_entry(envelope)


def test_a_key_that_stands_twice_is_refused():
    content = canonical_json(plain()).replace(b'"seq":3', b'"seq":3,"seq":3')
    text = sign(content, payload_type=PAYLOAD_TYPE, keys=[made.ACTOR_KEY]).text
    with pytest.raises(LedgerError, match="one canonical form"):
        read_entry(text)


def test_signatures_have_one_order_and_none_stands_twice():
    envelope = made.signed(1).envelope
    first, second = envelope.signatures
    for signatures in ((second, first), (first, first)):
        text = envelope.model_copy(update={"signatures": signatures}).text
        with pytest.raises(LedgerError, match="its signatures are not in the order"):
            read_entry(text)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"{" * 5000, b"\x00"])
def test_what_is_no_entry_is_refused(text):
    with pytest.raises(LedgerError, match="not an entry of a ledger"):
        read_entry(text)


def test_a_payload_that_is_no_base64_is_refused():
    text = canonical_json(json.loads(made.signed(3).text) | {"payload": "!"})
    with pytest.raises(LedgerError, match="the payload is not base64"):
        read_entry(text)


def test_a_text_has_a_longest_size():
    assert MOST_BYTES == 1024**2
    with pytest.raises(LedgerError, match=f"more than {MOST_BYTES} bytes"):
        read_entry(b" " * (MOST_BYTES + 1))
    with pytest.raises(LedgerError, match="not a DSSE envelope"):
        read_entry(b" " * MOST_BYTES)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_payload_is_an_entry_or_an_error_of_the_ledger(payload):
    text = sign(payload, payload_type=PAYLOAD_TYPE, keys=[made.ACTOR_KEY]).text
    with pytest.raises(LedgerError):
        read_entry(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(plain())), _JSON)
def test_any_json_in_a_field_is_refused_or_is_in_its_one_form(name, value):
    content = json.dumps(plain() | {name: value}, sort_keys=True, separators=(",", ":")).encode()
    text = sign(content, payload_type=PAYLOAD_TYPE, keys=[made.ACTOR_KEY]).text
    try:
        signed = read_entry(text)
    except LedgerError:
        return
    assert signed.entry.content == content


def test_a_time_is_kept_in_utc_and_whole_milliseconds():
    berlin = timezone(timedelta(hours=2))
    at = datetime(2026, 3, 1, 14, 0, 0, 123_999, tzinfo=berlin)
    assert made.entry(3, at=at).time == datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)
    assert made.entry(3, at=at).time.utcoffset() == timedelta(0)


def test_an_entry_asked_for_another_body_says_so():
    with pytest.raises(LedgerError, match=r"entry 3 is of 'gates', not a ProposeBody"):
        made.entry(3).of(ProposeBody)
    wrong = made.entry(3).model_copy(update={"body": {"proposal": 1}})
    with pytest.raises(LedgerError, match=r"entry 3: its body is not that of 'gates': proposal: "):
        wrong.of(GatesBody)


def test_an_entry_is_signed_by_the_keys_it_says():
    signed = made.signed(1)
    assert signed.check_signed(made.KEYS) == signed.signers
    assert set(signed.signers) == {key.public.fingerprint for key in made.ROOTS}
    with pytest.raises(SignatureError, match="entry 1: signed by the key"):
        signed.check_signed({})


def test_another_payload_type_is_refused():
    text = sign(made.entry(3).content, payload_type="text/plain", keys=[made.ACTOR_KEY]).text
    with pytest.raises(SignatureError, match="entry 3: an envelope of text/plain"):
        read_entry(text).check_signed(made.KEYS)


def test_an_entry_without_a_key_is_not_made():
    with pytest.raises(ValidationError):
        sign_entry(made.entry(3), keys=[])


# subjects


def test_the_subject_of_a_retirement_is_what_leaves():
    promote = made.intent_body()
    retire = made.intent_body(Change.RETIRE)
    rollback = made.intent_body(Change.ROLLBACK)
    assert subjects_of(promote) == subjects_of(rollback) == {made.BUNDLE}
    assert subjects_of(retire) == {made.OTHER}


def test_an_intent_that_moves_several_bundles_is_about_any_of_them():
    move = made.intent_body().moves[0]
    back = AliasMove(alias="previous", before=move.after, after=move.before)
    gone = AliasMove(alias="champion", before=None, after=None)
    both = made.intent_body().model_copy(update={"moves": (move, back, gone)})
    assert subjects_of(both) == {made.BUNDLE, made.OTHER}


def test_what_is_the_body_of_no_action_has_no_subject():
    with pytest.raises(TypeError, match="Body is the body of no action"):
        subjects_of(Body())


# bodies


def test_a_gate_stands_once_in_a_verdict():
    gate = GateFound(name="leak", passed=True)
    failed = GateFound(name="leak", passed=False)
    with pytest.raises(ValidationError, match="the same gate stands twice"):
        GatesBody(
            proposal=made.OTHER,
            bundle_sha256=made.BUNDLE,
            verdict=Verdict.LOCKED,
            verdict_sha256=made.NUMBERS,
            gates=(gate, failed),
        )


def test_the_failed_gates_of_a_verdict():
    assert made.gates_body().failed == {"c_index"}


@pytest.mark.parametrize("field", ["gates", "overridden"])
def test_an_approval_names_each_gate_once(field):
    values = {"gates": (made.OTHER,), "overridden": (), field: (made.OTHER, made.OTHER)}
    with pytest.raises(ValidationError, match="the same gate stands twice"):
        ApproveBody(proposal=made.OTHER, expires=made.BEGIN, **values)


def test_an_approval_expires_at_a_time_in_utc():
    berlin = timezone(timedelta(hours=2))
    with pytest.raises(ValidationError, match="times are in UTC"):
        ApproveBody(proposal=made.OTHER, gates=(made.OTHER,), expires=made.BEGIN.astimezone(berlin))


def test_an_intent_moves_each_alias_once():
    move = made.intent_body().moves[0]
    with pytest.raises(ValidationError, match="the same alias stands twice"):
        IntentBody(change=Change.PROMOTE, model_name="student", proposal=None, moves=(move, move))


def test_an_entry_is_frozen():
    with pytest.raises(ValidationError):
        made.entry(3).seq = 4


def test_the_first_entry_has_zeros_before_it():
    assert START == "0" * 64
    assert made.entry(1).previous == START


def test_an_entry_can_be_made_of_any_body():
    made_entry = make_entry(
        CloseBody(proposal=made.OTHER),
        action=Action.REJECT,
        actor=made.ACTOR,
        reason="not good enough",
        subject=made.OTHER,
        seq=9,
        previous=made.NUMBERS,
        time=made.BEGIN,
    )
    assert (made_entry.seq, made_entry.previous) == (9, made.NUMBERS)
    assert made_entry.actor == made.ACTOR
    assert made_entry.reason == "not good enough"
    assert made_entry.time == made.BEGIN
    assert made_entry.body == {"proposal": made.OTHER}
    assert isinstance(made_entry, Entry)


def test_a_text_is_the_envelope_of_its_content():
    signed = made.signed(3)
    envelope = Envelope.model_validate_json(signed.text)
    assert base64.b64decode(envelope.payload) == signed.entry.content
    assert envelope.payload_type == "application/vnd.shazam.ledger-entry+json"
