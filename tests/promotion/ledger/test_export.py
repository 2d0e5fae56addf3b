"""A ledger as a file for others."""

import pytest

from shazam.errors import LedgerError
from shazam.promotion.ledger.chain import read_chain
from shazam.promotion.ledger.entry import MOST_BYTES
from shazam.promotion.ledger.export import export_entries, exported_entries
from tests.promotion.ledger import made


def test_an_exported_ledger_is_read_back(tmp_path):
    texts = made.texts(made.chain(3))
    path = tmp_path / "ledger.jsonl"
    export_entries(path, iter(texts))
    assert path.read_bytes() == b"".join(text + b"\n" for text in texts)
    assert list(exported_entries(path)) == texts


def test_exporting_twice_gives_the_same_bytes(tmp_path):
    texts = made.texts(made.chain(3))
    first = export_entries(tmp_path / "a.jsonl", texts)
    assert first == export_entries(tmp_path / "b.jsonl", texts)


def test_an_empty_ledger_is_not_exported(tmp_path):
    with pytest.raises(
        LedgerError, match=r"^an empty ledger is not exported: make its first entry$"
    ):
        export_entries(tmp_path / "ledger.jsonl", [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", [b"", b"{}\n", b"{\n}"])
def test_a_text_that_is_no_line_is_not_exported(tmp_path, text):
    with pytest.raises(LedgerError, match="entry 2: its text is empty or has several lines") as e:
        export_entries(tmp_path / "ledger.jsonl", [b"{}", text])
    assert e.value.seq == 2


def test_a_file_that_was_cut_off_is_refused(tmp_path):
    path = tmp_path / "ledger.jsonl"
    export_entries(path, made.texts(made.chain(3)))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(LedgerError, match=r"ledger\.jsonl: entry 3 is cut off") as caught:
        list(exported_entries(path))
    assert caught.value.seq == 3


def test_the_longest_line(tmp_path):
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(b"x" * MOST_BYTES + b"\n")
    assert list(exported_entries(path)) == [b"x" * MOST_BYTES]
    path.write_bytes(b"x" * (MOST_BYTES + 2) + b"\n")
    with pytest.raises(LedgerError, match=f"longer than {MOST_BYTES} bytes"):
        list(exported_entries(path))


def test_empty_lines_are_no_entries(tmp_path):
    path = tmp_path / "ledger.jsonl"
    export_entries(path, made.texts(made.chain(1)))
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(LedgerError, match="entry 2: not an entry"):
        read_chain(exported_entries(path))


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(LedgerError, match=r"none\.jsonl: the ledger cannot be read: No such"):
        list(exported_entries(tmp_path / "none.jsonl"))
