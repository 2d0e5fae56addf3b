"""Ledgers that were once written verify for ever. Never write the files of this test anew."""

from pathlib import Path

import pytest

from shazam.errors import LedgerError
from shazam.promotion.ledger.actions import Action, PolicyBody
from shazam.promotion.ledger.chain import Chain, Head, read_chain, signed_by
from shazam.promotion.ledger.checkpoint import check_checkpoint, read_checkpoint
from shazam.promotion.ledger.export import export_entries, exported_entries
from shazam.promotion.ledger.sql import create_ledger
from shazam.promotion.ledger.trust import advanced, check_trusted, read_trust
from shazam.promotion.policy.document import Kind
from shazam.promotion.signing.keys import PublicKey
from shazam.stages import SOURCE_ROOT

FOLDER = SOURCE_ROOT / "tests" / "promotion" / "fixtures" / "ledgers" / "v1"
LEDGER, TRUST, CHECKPOINT = (
    FOLDER / name for name in ("ledger.jsonl", "trust.json", "checkpoint.json")
)
N, HEAD = 26, "f9f5b1d89e739ab34eab5aa3df6b2c2017743a01c327da9e471e33a0cfe45a1c"


def keys_of(first: bytes) -> dict[str, PublicKey]:
    (entry,) = read_chain([first]).entries
    policy = entry.entry.of(PolicyBody).policy
    return {key.fingerprint: key for holder in policy.holders for key in holder.public_keys}


@pytest.fixture(scope="module")
def chain() -> Chain:
    texts = list(exported_entries(LEDGER))
    return read_chain(texts, visit=signed_by(keys_of(texts[0])))


def test_the_first_form_of_ledgers_verifies(chain):
    assert chain.entries[-1].hash == HEAD
    assert len(chain.entries) == N
    assert {signed.entry.action for signed in chain.entries} == set(Action)
    assert chain.flags == ()


def test_its_trust_file_and_checkpoint_are_read_and_fit(chain):
    trust = read_trust(TRUST)
    check_trusted(chain.entries, trust)
    assert advanced(trust, chain.entries) == trust
    checkpoint = read_checkpoint(CHECKPOINT, keys=keys_of(chain.entries[0].text))
    check_checkpoint(chain.entries, checkpoint)
    with pytest.raises(LedgerError, match="the ledger was cut short"):
        check_checkpoint(chain.entries[: checkpoint.seq - 1], checkpoint)


def test_its_first_entry_is_signed_by_the_root_keys_of_the_trust_file(chain):
    first = chain.entries[0]
    policy = first.entry.of(PolicyBody).policy
    assert set(first.signers) == set(read_trust(TRUST).roots)
    assert policy.kind is Kind.PRODUCTION
    assert {key for root in policy.roots for key in root.fingerprints} == set(first.signers)


def test_it_goes_into_a_database_and_out_again_byte_for_byte(chain, tmp_path):
    ledger = create_ledger(f"sqlite:///{tmp_path}/ledger.db")
    for signed in chain.entries:
        ledger.append(signed)
    assert ledger.head() == Head(N, HEAD)
    copy: Path = tmp_path / "ledger.jsonl"
    export_entries(copy, ledger.texts())
    assert copy.read_bytes() == LEDGER.read_bytes()
