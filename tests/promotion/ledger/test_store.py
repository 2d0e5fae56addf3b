"""What every store of a ledger keeps to, in SQLite and in PostgreSQL."""

import multiprocessing
import os
import signal
import tempfile
from multiprocessing.synchronize import Barrier

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from shazam.errors import ConflictError, LedgerError
from shazam.promotion.ledger import sql
from shazam.promotion.ledger.address import read_address
from shazam.promotion.ledger.chain import EMPTY, Head, read_chain, signed_by
from shazam.promotion.ledger.entry import SignedEntry
from shazam.promotion.ledger.schema import ENTRIES
from shazam.promotion.ledger.sql import SqlLedger, create_ledger, open_ledger
from shazam.promotion.ledger.store import LedgerStore
from tests.promotion.ledger import made


@pytest.fixture
def ledger(url) -> SqlLedger:
    return create_ledger(url)


def filled(ledger: SqlLedger, *, length: int) -> list[SignedEntry]:
    entries = made.chain(length)
    for entry in entries:
        ledger.append(entry)
    return entries


def raw(url: str, *statements: str) -> None:
    """Run statements past the ledger."""
    engine = create_engine(read_address(url).url, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_new_ledger_is_empty(ledger):
    store: LedgerStore = ledger
    assert store.head() == EMPTY
    assert list(store.texts()) == []
    assert list(ledger.entries()) == []


def test_what_is_appended_is_read_in_order_and_after_opening_again(url, ledger):
    entries = filled(ledger, length=12)
    for store in (ledger, open_ledger(url), create_ledger(url)):
        assert list(store.texts()) == made.texts(entries)
        assert list(store.entries()) == entries
        assert store.head() == Head(12, entries[-1].hash)
    read_chain(ledger.texts(), visit=signed_by(made.KEYS))


def test_a_ledger_of_several_pages_is_read_whole(ledger, monkeypatch):
    entries = filled(ledger, length=7)
    for page in (1, 2, 3, 7, 8):
        monkeypatch.setattr(sql, "_PAGE", page)
        assert list(ledger.texts()) == made.texts(entries)


def test_a_slow_reader_does_not_hold_up_a_writer(url, ledger, monkeypatch):
    monkeypatch.setattr(sql, "_PAGE", 2)
    entries = filled(ledger, length=3)
    reading = ledger.texts()
    assert next(reading) == entries[0].text
    fourth = made.signed(4, previous=entries[-1].hash)
    open_ledger(url, timeout_s=0.5).append(fourth)
    assert [*reading] == made.texts([*entries[1:], fourth])


@pytest.mark.parametrize("seq", [1, 2, 4, 5])
def test_an_entry_that_does_not_follow_the_head_loses(ledger, seq):
    entries = filled(ledger, length=3)
    previous = ["0" * 64, *(entry.hash for entry in entries), made.OTHER][seq - 1]
    wrong = made.OTHER if seq == 4 else previous
    with pytest.raises(ConflictError, match=f"entry {seq} was not appended.*head is entry 3"):
        ledger.append(made.signed(seq, previous=wrong, reason="late"))
    assert list(ledger.texts()) == made.texts(entries)


def test_the_same_entry_again_loses(ledger):
    entries = filled(ledger, length=2)
    with pytest.raises(ConflictError) as caught:
        ledger.append(entries[-1])
    assert str(caught.value) == (
        f"entry 2 was not appended: the ledger's head is entry 2 ({entries[1].hash[:12]}), and it "
        f"follows {entries[0].hash[:12]}; read the ledger again"
    )
    assert list(ledger.texts()) == made.texts(entries)


def test_an_entry_whose_parts_disagree_is_not_appended(ledger):
    first, second = made.chain(2)
    mixed = first.model_copy(update={"text": second.text})
    with pytest.raises(LedgerError, match="entry 1: its text is that of another entry"):
        ledger.append(mixed)
    with pytest.raises(LedgerError, match="not an entry of a ledger"):
        ledger.append(first.model_copy(update={"text": b"{}"}))
    assert ledger.head() == EMPTY


_INSERT = "INSERT INTO shazam_ledger (seq, previous, hash, text) VALUES "


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE shazam_ledger SET text = 'x' WHERE seq = 2",
        "UPDATE shazam_ledger SET text = text",
        "DELETE FROM shazam_ledger WHERE seq = 3",
        "DELETE FROM shazam_ledger",
        f"{_INSERT} (5, '{made.OTHER}', '{made.NUMBERS}', 'x')",
        f"{_INSERT} (4, '{made.OTHER}', '{made.NUMBERS}', 'x')",
        f"{_INSERT} (3, '{made.OTHER}', '{made.NUMBERS}', 'x')",
        f"{_INSERT} (0, '{made.OTHER}', '{made.NUMBERS}', 'x')",
        f"{_INSERT} (5, 'HEAD', '{made.NUMBERS}', 'x')",
        f"{_INSERT} (3, 'HEAD', '{made.NUMBERS}', 'x')",
        f"{_INSERT} (4, 'HEAD', 'FIRST', 'x')",
        f"{_INSERT} (4, 'HEAD', 'HEAD', 'x')",
        f"{_INSERT} (4, 'HEAD', '{made.NUMBERS}', NULL)",
        f"{_INSERT} (4, 'HEAD', NULL, 'x')",
        f"{_INSERT} (4, NULL, '{made.NUMBERS}', 'x')",
        f"{_INSERT} (4, 'FIRST', '{made.NUMBERS}', 'x')",
    ],
)
def test_the_database_itself_refuses_all_but_the_next_entry(url, ledger, statement):
    entries = filled(ledger, length=3)
    statement = statement.replace("HEAD", entries[-1].hash).replace("FIRST", entries[0].hash)
    with pytest.raises(DBAPIError, match=r"append-only|(?i:not.null)|duplicate key"):
        raw(url, statement)
    assert list(ledger.texts()) == made.texts(entries)


def test_the_database_lets_the_next_entry_in(url, ledger):
    entries = filled(ledger, length=3)
    fourth = made.signed(4, previous=entries[-1].hash)
    row = f"(4, '{entries[-1].hash}', '{fourth.hash}', '{fourth.text.decode()}')"
    raw(url, (_INSERT + row).replace(":", r"\:"))
    assert list(ledger.entries()) == [*entries, fourth]


def test_making_a_ledger_twice_changes_nothing(url, ledger):
    entries = filled(ledger, length=2)
    again = create_ledger(url)
    again.append(made.signed(3, previous=entries[-1].hash))
    assert ledger.head().seq == 3


def test_a_ledger_of_another_version_is_refused(url, ledger):
    raw(url, "UPDATE shazam_ledger_schema SET version = 2")
    for attempt in (open_ledger, create_ledger):
        with pytest.raises(LedgerError, match="of the version 2, and this is for version 1"):
            attempt(url)
    raw(url, "DELETE FROM shazam_ledger_schema")
    with pytest.raises(LedgerError, match="of the version none"):
        open_ledger(url)


def test_half_a_ledger_is_refused(url, ledger):
    raw(url, "DROP TABLE shazam_ledger_schema")
    for attempt in (open_ledger, create_ledger):
        with pytest.raises(LedgerError, match="no ledger; look whether the address is right"):
            attempt(url)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(["append", "late", "early", "forked", "reopen"]), max_size=14))
def test_a_ledger_is_what_was_appended_whatever_happened_between(steps):
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ledger.db"
        ledger, expected = create_ledger(url), []
        for step in steps:
            seq, previous = len(expected) + 1, expected[-1].hash if expected else "0" * 64
            match step:
                case "append":
                    expected.append(made.signed(seq, previous=previous))
                    ledger.append(expected[-1])
                case "reopen":
                    ledger = open_ledger(url)
                case _:
                    wrong = {"late": max(seq - 1, 1), "early": seq + 1, "forked": seq}[step]
                    with pytest.raises(ConflictError):
                        ledger.append(made.signed(wrong, previous=made.OTHER))
        assert list(open_ledger(url).entries()) == expected
        read_chain(ledger.texts(), visit=signed_by(made.KEYS))


def test_a_process_that_is_killed_while_it_writes_leaves_nothing(url, ledger):
    entries = filled(ledger, length=3)
    worker = multiprocessing.get_context("fork").Process(target=_die_writing, args=(url, entries))
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL
    assert list(open_ledger(url).entries()) == entries
    ledger.append(made.signed(4, previous=entries[-1].hash))


def _die_writing(url: str, entries: list[SignedEntry]) -> None:
    fourth = made.signed(4, previous=entries[-1].hash)
    with open_ledger(url).writing() as connection:
        row = (fourth.entry.seq, fourth.entry.previous, fourth.hash, fourth.text.decode())
        connection.execute(ENTRIES.insert().values(row))
        os.kill(os.getpid(), signal.SIGKILL)


# races

ROUNDS = 100


@pytest.mark.parametrize("n", [2, 8])
def test_of_processes_that_append_at_once_exactly_one_wins_each_round(url, n):
    create_ledger(url)
    context = multiprocessing.get_context("fork")
    barrier, wins = context.Barrier(n), context.Array("i", n * ROUNDS)
    workers = [
        context.Process(target=_race, args=(url, worker, n, barrier, wins)) for worker in range(n)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * n
    per_round = [sum(wins[turn * n : turn * n + n]) for turn in range(ROUNDS)]
    assert per_round == [1] * ROUNDS
    chain = read_chain(open_ledger(url).texts(), visit=signed_by(made.KEYS))
    winners = [list(wins[turn * n : turn * n + n]).index(1) for turn in range(ROUNDS)]
    assert [entry.entry.reason for entry in chain.entries] == [
        f"worker {winner}" for winner in winners
    ]


def _race(url: str, worker: int, n: int, barrier: Barrier, wins: list[int]) -> None:
    ledger = open_ledger(url, timeout_s=60)
    for turn in range(ROUNDS):
        barrier.wait(60)  # all have read the same head when the second one is passed
        head = ledger.head()
        mine = made.signed(head.seq + 1, previous=head.hash, reason=f"worker {worker}")
        barrier.wait(60)
        try:
            ledger.append(mine)
        except ConflictError:
            continue
        wins[turn * n + worker] = 1


def test_processes_that_make_a_ledger_at_once_make_one(url):
    context = multiprocessing.get_context("fork")
    n = 6
    barrier, won = context.Barrier(n), context.Value("i", 0)
    workers = [context.Process(target=_create, args=(url, barrier, won)) for _ in range(n)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * n
    assert won.value == 1
    assert open_ledger(url).head().seq == 1


def _create(url: str, barrier: Barrier, won) -> None:
    barrier.wait(60)
    ledger = create_ledger(url, timeout_s=60)
    try:
        ledger.append(made.signed(1, reason="first"))
    except ConflictError:
        return
    with won.get_lock():
        won.value += 1
