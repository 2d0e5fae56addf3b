"""The trust file: which ledger is ours, and how far it was."""

import fcntl
import json
import multiprocessing
import threading
from pathlib import Path

import pytest
from pydantic import ValidationError

from shazam.digest import canonical_json
from shazam.errors import LedgerError
from shazam.promotion.ledger.entry import START
from shazam.promotion.ledger.trust import (
    Trust,
    advanced,
    check_trusted,
    first_trust,
    keep_trust,
    read_trust,
    write_first_trust,
)
from tests.promotion.ledger import made

ROOTS = tuple(key.public.fingerprint for key in made.ROOTS)


@pytest.fixture(scope="module")
def entries():
    return made.chain(12)


@pytest.fixture
def path(tmp_path) -> Path:
    kept = tmp_path / "trust.json"
    write_first_trust(kept, first_trust(ROOTS))
    return kept


def test_the_first_trust_knows_root_keys_only(path):
    assert json.loads(path.read_bytes()) == {
        "format": "shazam-trust-1",
        "ledger": None,
        "roots": list(ROOTS),
        "seq": 0,
        "hash": START,
    }
    assert read_trust(path) == first_trust(ROOTS)


def test_a_first_trust_makes_its_folder(tmp_path):
    path = tmp_path / "a" / "b" / "trust.json"
    write_first_trust(path, first_trust(ROOTS))
    assert read_trust(path) == first_trust(ROOTS)


def test_a_first_trust_fits_any_ledger(entries):
    check_trusted([], first_trust(ROOTS))
    check_trusted(entries, first_trust(ROOTS))


def test_trust_goes_on_with_the_ledger(entries):
    one = advanced(first_trust(ROOTS), entries[:1])
    assert one == Trust(ledger=entries[0].hash, roots=ROOTS, seq=1, hash=entries[0].hash)
    all_of_it = advanced(one, entries)
    assert all_of_it == Trust(ledger=entries[0].hash, roots=ROOTS, seq=12, hash=entries[-1].hash)
    assert advanced(all_of_it, entries) == all_of_it
    assert advanced(first_trust(ROOTS), []) == first_trust(ROOTS)


def test_trust_never_goes_back(entries):
    trust = advanced(first_trust(ROOTS), entries)
    with pytest.raises(LedgerError, match="the trust file has seen entry 12, and there are 11"):
        advanced(trust, entries[:11])
    with pytest.raises(LedgerError, match="another ledger"):
        advanced(trust, made.chain(13, reason="another"))


@pytest.mark.parametrize(
    "change",
    [
        {"format": "shazam-trust-2"},
        {"roots": []},
        {"roots": [ROOTS[0]]},
        {"roots": [ROOTS[0], ROOTS[0]]},
        {"roots": ["root", "root-2"]},
        {"seq": -1},
        {"seq": 1},
        {"hash": made.OTHER},
        {"ledger": made.OTHER},
        {"ledger": made.OTHER, "seq": 1},
        {"ledger": made.OTHER, "seq": 2, "hash": START},
        {"ledger": made.OTHER, "seq": 1, "hash": made.BUNDLE},
        {"seq": 2, "hash": made.BUNDLE},
        {"ledger": made.OTHER, "hash": made.BUNDLE},
        {"extra": 1},
    ],
    ids=str,
)
def test_a_trust_that_cannot_be_is_refused(tmp_path, change):
    path = tmp_path / "trust.json"
    content = first_trust(ROOTS).model_dump(mode="json") | change
    with pytest.raises(ValidationError):
        Trust.model_validate_json(canonical_json(content))
    path.write_bytes(canonical_json(content))
    with pytest.raises(LedgerError, match=r"trust\.json: the trust file is damaged \(.*backup"):
        read_trust(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"roots": [ROOTS[0], ROOTS[0]]}, "roots: Value error, the same root key stands twice"),
        ({"seq": 1}, "Value error, before the first entry: no ledger, seq 0 and a hash of zeros"),
        (
            {"ledger": made.OTHER, "seq": 1, "hash": made.BUNDLE},
            "Value error, the ledger is named by the hash of entry 1, and two are given",
        ),
    ],
)
def test_a_trust_that_contradicts_itself_is_told(path, change, said):
    content = first_trust(ROOTS).model_dump(mode="json") | change
    path.write_bytes(canonical_json(content))
    with pytest.raises(LedgerError) as caught:
        read_trust(path)
    assert str(caught.value) == (
        f"{path}: the trust file is damaged ({said}); take the file from a holder of "
        "a root key, or restore it from your backup"
    )


@pytest.mark.parametrize("content", [b"", b"{}", b"null", b"\xff", b"{" * 3000])
def test_a_damaged_trust_file_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(LedgerError, match="the trust file is damaged"):
        read_trust(path)


def test_a_trust_file_has_one_form(path):
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(LedgerError, match=r"damaged \(not written in its one form\)"):
        read_trust(path)


def test_without_a_trust_file_nothing_is_trusted(tmp_path, entries):
    path = tmp_path / "trust.json"
    said = "no trust file can be read .No such file.* holder of a root key"
    with pytest.raises(LedgerError, match=said):
        read_trust(path)
    with pytest.raises(LedgerError, match=said):
        keep_trust(path, entries)
    assert not path.exists()


def test_a_trust_file_is_never_replaced_by_a_first_one(path):
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="there is a trust file already"):
        write_first_trust(path, first_trust(ROOTS[::-1]))
    assert path.read_bytes() == before


def test_a_trust_file_is_kept_up_to_the_ledger(path, entries):
    assert keep_trust(path, entries[:3]) == advanced(first_trust(ROOTS), entries[:3])
    assert read_trust(path).seq == 3
    assert keep_trust(path, entries) == read_trust(path)
    assert read_trust(path).hash == entries[-1].hash


def test_a_trust_file_that_another_brought_further_stays(path, entries):
    further = keep_trust(path, entries)
    assert keep_trust(path, entries[:5]) == further
    assert read_trust(path) == further


def test_a_trust_file_that_is_up_to_date_is_not_written(path, entries):
    keep_trust(path, entries)
    before = path.stat().st_ino
    keep_trust(path, entries)
    assert path.stat().st_ino == before


@pytest.mark.parametrize("length", [5, 12, 13])
def test_a_trust_file_is_not_taken_to_another_ledger(path, entries, length):
    keep_trust(path, entries)
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="another ledger"):
        keep_trust(path, made.chain(length, reason="another"))
    with pytest.raises(LedgerError, match="entries 1 to 12 are missing"):
        keep_trust(path, [])
    assert path.read_bytes() == before


def test_a_trust_file_is_not_taken_to_another_head_of_the_same_number(path, entries):
    keep_trust(path, entries)
    forged = made.signed(12, previous=entries[-2].hash, reason="as never agreed")
    with pytest.raises(LedgerError, match="the ledger was rewritten"):
        keep_trust(path, [*entries[:-1], forged])
    assert read_trust(path).hash == entries[-1].hash


def test_a_trust_file_where_nothing_can_be_written_says_so(tmp_path):
    (tmp_path / "file").write_bytes(b"in the way")
    with pytest.raises(LedgerError, match="the trust file cannot be written"):
        write_first_trust(tmp_path / "file" / "trust.json", first_trust(ROOTS))


def test_a_writer_waits_for_another_and_then_looks_what_it_wrote(path, entries):
    further = canonical_json(advanced(first_trust(ROOTS), entries))
    with (path.parent / ".trust.json.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        late = threading.Thread(target=keep_trust, args=(path, entries[:2]))
        late.start()
        late.join(0.2)
        assert late.is_alive()
        path.write_bytes(further)
    late.join(30)
    assert path.read_bytes() == further


def test_processes_that_keep_one_trust_file_never_take_it_back(path, entries):
    keep_trust(path, entries[:1])
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_keep_all, args=(path, entries, part)) for part in range(4)]
    for worker in workers:
        worker.start()
    last = 0
    while any(worker.is_alive() for worker in workers):
        seen = read_trust(path).seq
        assert seen >= last
        last = seen
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert read_trust(path) == advanced(first_trust(ROOTS), entries)


def _keep_all(path: Path, entries: list, part: int) -> None:
    for length in range(1 + part, len(entries) + 1):
        assert keep_trust(path, entries[:length]).seq >= length
