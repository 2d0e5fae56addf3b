"""What is missing at a ledger's end, or rewritten as a whole, is told by what was seen before."""

import json
from datetime import timedelta, timezone

import pytest
from pydantic import ValidationError

from shazam.digest import canonical_json
from shazam.errors import LedgerError, SignatureError
from shazam.promotion.ledger.chain import read_chain, signed_by
from shazam.promotion.ledger.checkpoint import (
    PAYLOAD_TYPE,
    Checkpoint,
    check_checkpoint,
    checkpoint_of,
    export_checkpoint,
    read_checkpoint,
    sign_checkpoint,
)
from shazam.promotion.ledger.entry import START
from shazam.promotion.ledger.trust import advanced, check_trusted, first_trust
from shazam.promotion.signing.dsse import sign
from tests.promotion.ledger import made

N = 50
ROOTS = tuple(key.public.fingerprint for key in made.ROOTS)


@pytest.fixture(scope="module")
def whole():
    return made.chain(N)


@pytest.fixture(scope="module")
def checkpoint(whole):
    return checkpoint_of(whole, time=made.BEGIN)


@pytest.fixture(scope="module")
def trust(whole):
    return advanced(first_trust(ROOTS), whole)


def test_a_checkpoint_is_of_the_head(whole, checkpoint):
    assert checkpoint == Checkpoint(
        ledger=whole[0].hash, seq=N, hash=whole[-1].hash, time=made.BEGIN
    )
    assert json.loads(canonical_json(checkpoint)) == {
        "format": "shazam-checkpoint-1",
        "ledger": whole[0].hash,
        "seq": N,
        "hash": whole[-1].hash,
        "time": "2026-03-01T12:00:00Z",
    }


def test_a_checkpoint_is_in_utc(whole):
    berlin = timezone(timedelta(hours=2))
    again = checkpoint_of(whole, time=made.BEGIN.astimezone(berlin))
    assert again.time == made.BEGIN
    assert again.time.utcoffset() == timedelta(0)


def test_the_ledger_itself_and_what_was_added_to_it_are_fine(whole, checkpoint, trust):
    check_checkpoint(whole, checkpoint)
    check_trusted(whole, trust)
    longer = [*whole, made.signed(N + 1, previous=whole[-1].hash)]
    check_checkpoint(longer, checkpoint)
    check_trusted(longer, trust)


@pytest.mark.parametrize("k", range(1, 11))
def test_the_last_entries_dropped_are_found(whole, checkpoint, trust, k):
    short = whole[:-k]
    read_chain(made.texts(short), visit=signed_by(made.KEYS))  # whole in itself
    left = N - k
    said = (
        f"the ledger was cut short, or is an old copy: the %s has seen entry {N}, and there are "
        f"{left}; entries {left + 1} to {N} are missing"
    )
    with pytest.raises(LedgerError) as by_checkpoint:
        check_checkpoint(short, checkpoint)
    with pytest.raises(LedgerError) as by_trust:
        check_trusted(short, trust)
    assert str(by_checkpoint.value) == said % "checkpoint of 2026-03-01 12:00Z"
    assert str(by_trust.value) == said % "trust file"
    assert by_checkpoint.value.seq == by_trust.value.seq == left + 1


def test_an_emptied_ledger_is_found(checkpoint, trust):
    with pytest.raises(LedgerError, match="entries 1 to 50 are missing"):
        check_checkpoint([], checkpoint)
    with pytest.raises(LedgerError, match="entries 1 to 50 are missing"):
        check_trusted([], trust)


def test_another_ledger_is_told_by_its_first_entry(whole, trust):
    other = made.chain(N, reason="as never agreed")
    with pytest.raises(LedgerError) as caught:
        check_trusted(other, trust)
    assert str(caught.value) == (
        f"another ledger: its entry 1 is {other[0].hash[:12]}, and the trust file is of the "
        f"ledger that begins with {whole[0].hash[:12]}"
    )


def test_a_rewritten_head_is_told_by_both_hashes(whole, trust):
    forged = made.signed(N, previous=whole[-2].hash, reason="as never agreed")
    with pytest.raises(LedgerError) as caught:
        check_trusted([*whole[:-1], forged], trust)
    assert str(caught.value) == (
        f"the ledger was rewritten: the trust file has seen entry {N} as {whole[-1].hash[:12]}, "
        f"and it is {forged.hash[:12]}"
    )


def test_a_whole_rewrite_with_the_same_keys_is_found(checkpoint, trust):
    rewritten = made.chain(N, reason="as never agreed")
    read_chain(made.texts(rewritten), visit=signed_by(made.KEYS))  # whole in itself
    for check, seen in ((check_checkpoint, checkpoint), (check_trusted, trust)):
        with pytest.raises(LedgerError, match="another ledger: its entry 1 is") as caught:
            check(rewritten, seen)
        assert caught.value.seq == 1


@pytest.mark.parametrize("at", [1, 2, 25, N - 1])
def test_a_rewrite_from_some_entry_on_is_found(whole, checkpoint, trust, at):
    rewritten = list(whole[:at])
    for number in range(at + 1, N + 1):
        before = rewritten[-1].hash
        rewritten.append(made.signed(number, previous=before, reason="as never agreed"))
    read_chain(made.texts(rewritten), visit=signed_by(made.KEYS))  # whole in itself
    for check, seen in ((check_checkpoint, checkpoint), (check_trusted, trust)):
        with pytest.raises(LedgerError, match=r"rewritten: .* entry 50") as caught:
            check(rewritten, seen)
        assert caught.value.seq == N
        longer = [*rewritten, made.signed(N + 1, previous=rewritten[-1].hash)]
        with pytest.raises(LedgerError, match="the ledger was rewritten"):
            check(longer, seen)


def test_an_empty_ledger_has_no_checkpoint():
    with pytest.raises(
        LedgerError, match=r"^an empty ledger has no checkpoint: make its first entry$"
    ):
        checkpoint_of([], time=made.BEGIN)


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 0},
        {"seq": 0, "ledger": None, "hash": START},
        {"seq": 1},
        {"ledger": None},
        {"hash": START},
        {"format": "shazam-checkpoint-2"},
        {"extra": 1},
        {"time": "2026-03-01T12:00:00+01:00"},
    ],
    ids=str,
)
def test_a_checkpoint_that_cannot_be_is_refused(checkpoint, change):
    with pytest.raises(ValidationError):
        Checkpoint.model_validate_json(canonical_json(checkpoint.model_dump(mode="json") | change))


def test_the_checkpoint_of_one_entry_names_it_twice(whole):
    one = checkpoint_of(whole[:1], time=made.BEGIN)
    assert (one.seq, one.hash) == (1, one.ledger)
    check_checkpoint(whole, one)


# files


def test_a_checkpoint_is_exported_and_read(tmp_path, checkpoint):
    path = tmp_path / "kept" / "checkpoint.json"
    export_checkpoint(path, sign_checkpoint(checkpoint, keys=made.ROOTS))
    assert read_checkpoint(path, keys=made.KEYS) == checkpoint


def test_a_missing_checkpoint_says_so(tmp_path):
    with pytest.raises(LedgerError, match=r"none\.json: the checkpoint cannot be read: No such"):
        read_checkpoint(tmp_path / "none.json", keys=made.KEYS)


def test_a_checkpoint_by_an_unknown_key_is_refused(tmp_path, checkpoint):
    path = tmp_path / "c.json"
    export_checkpoint(path, sign_checkpoint(checkpoint, keys=[made.UNKNOWN_KEY]))
    with pytest.raises(SignatureError, match=r"c\.json: signed by the key .* not known"):
        read_checkpoint(path, keys=made.KEYS)


def test_every_byte_of_a_checkpoint_counts(tmp_path, checkpoint):
    path = tmp_path / "c.json"
    export_checkpoint(path, sign_checkpoint(checkpoint, keys=[made.ACTOR_KEY]))
    text = path.read_bytes()
    for at in range(len(text)):
        path.write_bytes(text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :])
        with pytest.raises(SignatureError):
            read_checkpoint(path, keys=made.KEYS)


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        (b"{}", r"c\.json: not a checkpoint: ledger: Field required"),
        (b"[", r"c\.json: not a checkpoint: Invalid JSON"),
    ],
)
def test_something_else_that_is_signed_is_no_checkpoint(tmp_path, payload, said):
    path = tmp_path / "c.json"
    export_checkpoint(path, sign(payload, payload_type=PAYLOAD_TYPE, keys=[made.ACTOR_KEY]))
    with pytest.raises(LedgerError, match=said):
        read_checkpoint(path, keys=made.KEYS)


def test_a_checkpoint_has_one_form(tmp_path, checkpoint):
    path = tmp_path / "c.json"
    loose = json.dumps(checkpoint.model_dump(mode="json")).encode()
    export_checkpoint(path, sign(loose, payload_type=PAYLOAD_TYPE, keys=[made.ACTOR_KEY]))
    with pytest.raises(LedgerError, match="not written in its one canonical form"):
        read_checkpoint(path, keys=made.KEYS)


def test_an_entry_is_no_checkpoint(tmp_path, whole):
    path = tmp_path / "c.json"
    path.write_bytes(whole[1].text)
    with pytest.raises(SignatureError, match=r"an envelope of .*ledger-entry"):
        read_checkpoint(path, keys=made.KEYS)
    assert PAYLOAD_TYPE == "application/vnd.shazam.checkpoint+json"
