"""Seconds that verifying a ledger takes: the rows, the chain and every signature."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.bench import timed
from benchmarks.rows import Bound, Row
from shazam.promotion.ledger.actions import Action, GateFound, GatesBody, Verdict
from shazam.promotion.ledger.chain import EMPTY, Head, read_chain, signed_by
from shazam.promotion.ledger.entry import Actor, SignedEntry, hash_of, make_entry, sign_entry
from shazam.promotion.ledger.export import export_entries, exported_entries
from shazam.promotion.ledger.sql import SqlLedger, create_ledger
from shazam.promotion.policy.document import Role
from shazam.promotion.signing.keys import KeyKind, PrivateKey

NAME = "ledger: verify, seconds"
N_ENTRIES = 1000
_MOST_S = 2.0
_N_GATES = 12


def measure(*, only: str | None, n_entries: int = N_ENTRIES) -> Iterator[Row]:
    """Verify a ledger of verdicts, from SQLite and from its exported file; the slower counts."""
    if only is not None and only not in NAME:
        return
    figures = {name: seconds for kind in KeyKind for name, seconds in _of(kind, n=n_entries)}
    slowest = max(seconds for name, seconds in figures.items() if not name.startswith("append"))
    yield Row(
        NAME, f"{n_entries} entries, one signature each", slowest, Bound.AT_MOST, _MOST_S, figures
    )


def _of(kind: KeyKind, *, n: int) -> Iterator[tuple[str, float]]:
    key = PrivateKey.generate(kind)
    visit = signed_by({key.public.fingerprint: key.public})
    with tempfile.TemporaryDirectory() as folder:
        ledger = create_ledger(f"sqlite:///{folder}/ledger.db")
        yield f"append, {kind}", timed(lambda: _fill(ledger, key=key, n=n))
        yield f"database, {kind}", timed(lambda: read_chain(ledger.texts(), visit=visit))
        path = Path(folder) / "ledger.jsonl"
        export_entries(path, ledger.texts())
        yield f"file, {kind}", timed(lambda: read_chain(exported_entries(path), visit=visit))


def _fill(ledger: SqlLedger, *, key: PrivateKey, n: int) -> None:
    head = EMPTY
    for seq in range(1, n + 1):
        signed = _verdict(seq, previous=head.hash, key=key)
        ledger.append(signed)
        head = Head(seq, signed.hash)


def _verdict(seq: int, *, previous: str, key: PrivateKey) -> SignedEntry:
    proposal = hash_of(str(seq).encode())
    body = GatesBody(
        proposal=proposal,
        bundle_sha256=proposal,
        verdict=Verdict.LOCKED,
        verdict_sha256=proposal,
        gates=tuple(GateFound(name=f"gate_{n}", passed=True) for n in range(_N_GATES)),
    )
    entry = make_entry(
        body,
        action=Action.GATES,
        actor=Actor(id="evaluation", name="Evaluation pipeline", role=Role.EVALUATION),
        reason="measured on the locked cohort",
        subject=proposal,
        seq=seq,
        previous=previous,
        time=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return sign_entry(entry, keys=[key])
