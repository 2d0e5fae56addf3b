"""Whatever is done to a ledger of 50 entries is found, and the first entry that is wrong named."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from shazam.digest import canonical_json
from shazam.errors import LedgerError
from shazam.promotion.ledger.chain import (
    EMPTY,
    Chain,
    Flag,
    Head,
    clock_flags,
    read_chain,
    signed_by,
    walk,
)
from shazam.promotion.ledger.entry import START, SignedEntry, sign_entry
from tests.promotion.ledger import made

N = 50
PLACES = (0.0, 0.01, 0.2, 0.35, 0.5, 0.75, 0.97, 1.0)


@pytest.fixture(scope="module")
def whole() -> list[SignedEntry]:
    return made.chain(N)


def first_bad(texts: list[bytes]) -> int:
    """Return the number of the first entry that is wrong, which the message names too."""
    with pytest.raises(LedgerError) as caught:
        read_chain(texts, visit=signed_by(made.KEYS))
    assert str(caught.value).startswith(f"entry {caught.value.seq}: ")
    return caught.value.seq or 0


def rechained(
    entries: list[SignedEntry], *, at: int, keys: list | None = None
) -> list[SignedEntry]:
    """Return the ledger with another reason at a place, and all hashes behind it made anew."""
    again = entries[:at]
    for old in entries[at:]:
        change = {"previous": again[-1].hash if again else START}
        if old is entries[at]:
            change |= {"reason": "as never agreed"}
        entry = old.entry.model_copy(update=change)
        if keys is None:  # the old signatures under the new content
            payload = base64.b64encode(entry.content).decode()
            envelope = old.envelope.model_copy(update={"payload": payload})
            again.append(SignedEntry(text=envelope.text, entry=entry, envelope=envelope))
        else:
            again.append(sign_entry(entry, keys=keys))
    return again


def flipped(text: bytes, *, at: int) -> bytes:
    return text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]


def test_a_whole_ledger_is_read(whole):
    seen: list[int] = []
    chain = read_chain(made.texts(whole), visit=lambda signed: seen.append(signed.entry.seq))
    assert chain == Chain(tuple(whole), ())
    assert seen == list(range(1, N + 1))
    assert read_chain(made.texts(whole), visit=signed_by(made.KEYS)) == chain
    assert read_chain(made.texts(whole)) == chain


def test_an_empty_ledger_is_whole():
    assert read_chain([]) == Chain((), ())
    assert Head(0, START) == EMPTY


def test_each_entry_is_seen_before_the_next_is_read(whole):
    read: list[int] = []

    def texts() -> Iterator[bytes]:
        for number, text in enumerate(made.texts(whole), start=1):
            read.append(number)
            yield text

    def stop(signed: SignedEntry) -> None:
        if signed.entry.seq == 3:
            raise LedgerError("enough", seq=3)

    with pytest.raises(LedgerError, match="enough"):
        read_chain(texts(), visit=stop)
    assert read == [1, 2, 3]


def test_a_byte_flipped_at_several_places_of_each_entry_is_found(whole):
    found = 0
    for number, signed in enumerate(whole, start=1):
        texts = made.texts(whole)
        for place in PLACES:
            at = round(place * (len(signed.text) - 1))
            texts[number - 1] = flipped(signed.text, at=at)
            assert first_bad(texts) == number
            found += 1
    assert found == len(PLACES) * N
    print(f"bytes flipped, and the entry named: {found}")


def test_every_byte_of_one_entry_flipped_is_found(whole):
    """Each position once: in the payload, the signature, the key's name and the JSON around."""
    texts = made.texts(whole)
    text = texts[4]
    for at in range(len(text)):
        texts[4] = flipped(text, at=at)
        assert first_bad(texts[:5]) == 5
    print(f"bytes of one entry flipped: {len(text)}")


def test_every_edit_with_new_hashes_behind_it_is_found_at_the_edit(whole):
    found = [first_bad(made.texts(rechained(whole, at=at))) for at in range(N)]
    assert found == list(range(1, N + 1))


def test_every_edit_signed_anew_by_an_unknown_key_is_found_at_the_edit(whole):
    keys = [made.UNKNOWN_KEY]
    found = [first_bad(made.texts(rechained(whole, at=at, keys=keys))) for at in range(N)]
    assert found == list(range(1, N + 1))


def test_every_edit_by_a_known_key_breaks_the_link_behind_it(whole):
    """Only the last can be replaced so: that is for checkpoints and the trust file to find."""
    found = []
    for at in range(N - 1):
        texts = made.texts(whole)
        texts[at] = rechained(whole, at=at, keys=[made.ACTOR_KEY])[at].text
        found.append(first_bad(texts))
    assert found == list(range(2, N + 1))


def test_every_entry_deleted_is_found(whole):
    found = [
        first_bad(made.texts(whole[:at] + whole[at + 1 :])) for at in range(N - 1)
    ]  # without the last it is a shorter ledger, which is whole
    assert found == list(range(1, N))


def test_every_entry_duplicated_behind_itself_is_found(whole):
    found = [first_bad(made.texts([*whole[: at + 1], *whole[at:]])) for at in range(N)]
    assert found == [at + 2 for at in range(N)]


def test_every_entry_copied_to_any_place_is_found(whole):
    found = 0
    for source in range(0, N, 17):
        for at in range(N + 1):
            texts = made.texts([*whole[:at], whole[source], *whole[at:]])
            # a copy right before itself leaves the place behind it wrong
            assert first_bad(texts) == (at + 2 if at == source else at + 1)
            found += 1
    assert found == 3 * (N + 1)
    print(f"copies, and the first wrong place named: {found}")


@pytest.mark.parametrize("forger", [made.UNKNOWN_KEY, made.ACTOR_KEY])
def test_every_forged_entry_put_between_is_found(whole, forger):
    for at in range(N):
        before = whole[at - 1].hash if at else START
        forged = made.signed(at + 1, previous=before, reason="forged", keys=[forger])
        known = forger is made.ACTOR_KEY
        assert first_bad(made.texts([*whole[:at], forged, *whole[at:]])) == at + 1 + known


def test_every_swap_is_found_at_the_earlier_place(whole):
    found = 0
    for distance in (1, 2, 7, 25, N - 1):
        for at in range(N - distance):
            order = list(range(N))
            order[at], order[at + distance] = order[at + distance], order[at]
            assert first_bad(made.texts([whole[place] for place in order])) == at + 1
            found += 1
    assert found == 49 + 48 + 43 + 25 + 1
    print(f"swaps, and the first wrong place named: {found}")


def test_a_whole_ledger_turned_round_is_found(whole):
    assert first_bad(made.texts(whole[::-1])) == 1


def test_an_entry_of_another_ledger_is_found(whole):
    other = made.chain(6, reason="another ledger")
    assert first_bad(made.texts([*whole[:5], other[5]])) == 6
    assert first_bad(made.texts([other[0], *whole[1:]])) == 2


def test_entries_are_numbered_from_one(whole):
    assert first_bad(made.texts(whole[1:])) == 1
    second = made.signed(2, previous=START)
    assert first_bad([second.text]) == 1


def test_messages_say_what_is_wrong(whole):
    texts = made.texts(whole[:4])

    def message(texts: list[bytes]) -> str:
        with pytest.raises(LedgerError) as caught:
            read_chain(texts, visit=signed_by({}))
        return str(caught.value)

    assert "entry 1: not an entry of a ledger: not a DSSE envelope" in message([b"{}"])
    assert message([texts[2]]) == "entry 1: in its place stands one that says it is entry 3"
    stray = made.signed(1, previous=made.OTHER)
    assert message([stray.text]) == (
        "entry 1: it does not follow nothing; one of the two was replaced"
    )
    assert message(texts).startswith("entry 1: signed by the key ")
    lost = [made.signed(2, previous=made.OTHER).text]
    with pytest.raises(LedgerError) as caught:
        read_chain([texts[0], *lost])
    assert str(caught.value) == (
        "entry 2: it does not follow entry 1 as it stands; one of the two was replaced"
    )


def test_a_walk_gives_entries_until_the_first_that_is_wrong(whole):
    texts = [*made.texts(whole[:2]), b"{}"]
    walked = walk(texts)
    assert [next(walked).entry.seq for _ in range(2)] == [1, 2]
    with pytest.raises(LedgerError, match="entry 3: not an entry"):
        next(walked)


def at_minutes(*minutes: float) -> list[SignedEntry]:
    entries: list[SignedEntry] = []
    for number, minute in enumerate(minutes, start=1):
        before = entries[-1].hash if entries else START
        at = made.BEGIN + timedelta(minutes=minute)
        entries.append(made.signed(number, previous=before, at=at))
    return entries


def test_a_clock_that_goes_back_is_flagged_and_not_refused():
    entries = at_minutes(0, 10, 9.5, 9.6, 9.6, 20)
    assert read_chain(made.texts(entries)).flags == (Flag(3, "the clock went back by 30.000 s"),)
    assert list(clock_flags(entries)) == [Flag(3, "the clock went back by 30.000 s")]


def test_a_clock_that_goes_back_twice_is_flagged_twice():
    assert [flag.seq for flag in clock_flags(at_minutes(5, 4, 3))] == [2, 3]


def test_an_envelope_with_one_signature_fewer_breaks_the_chain(whole):
    envelope = json.loads(whole[0].text)
    envelope["signatures"] = envelope["signatures"][:1]
    assert first_bad([canonical_json(envelope), *made.texts(whole[1:])]) == 2
