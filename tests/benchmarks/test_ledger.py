"""The benchmark of the ledger measures what it says."""

from benchmarks import ledger


def test_the_slowest_way_of_verifying_counts():
    (row,) = ledger.measure(only=None, n_entries=3)
    verified = [s for name, s in row.measured.items() if name.startswith(("database", "file"))]
    assert len(verified) == 4
    assert row.ratio == max(verified)
    assert "3 entries" in row.against
    assert len([name for name in row.measured if name.startswith("append")]) == 2


def test_it_runs_when_it_is_asked_for():
    assert list(ledger.measure(only="bootstrap")) == []
    assert len(list(ledger.measure(only="ledger", n_entries=1))) == 1
