"""A champion's dossier as a zip: equal ledgers and bundles give equal bytes."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from shazam.digest import canonical_json
from shazam.promotion.bundle import BUNDLE_FILE
from shazam.promotion.evidence.trace import Link
from shazam.promotion.flow.load import Champion
from shazam.promotion.flow.registry import Known
from shazam.promotion.folder_check import SIGNATURE_FILE
from shazam.publish import publish

VERIFIER = "verify_dossier.py"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can tell
_MODE = 0o644 << 16
_README = """\
A dossier of a model in use.

bundle/       the model, its verdict and the evidence for it; bundle.json lists every file
ledger.jsonl  every entry of the ledger as it was signed, one a line
trace.json    where the model comes from, and who approved it
dossier.json  what this dossier is about

Check it with Python 3.11 and the package cryptography alone:

    python verify_dossier.py . FINGERPRINT FINGERPRINT ...

FINGERPRINT are those of the root keys that the first policy names. Ask somebody you trust for
them: a dossier cannot vouch for itself.
"""


def export_dossier(
    target: Path, *, model_name: str, champion: Champion, known: Known, links: Sequence[Link]
) -> str:
    """Write the dossier of a champion and return its SHA-256.

    Args:
        target: the zip.
        model_name: name of the model.
        champion: verified.
        known: the ledger, verified.
        links: of the champion's trace.
    """
    bundle = champion.bundle
    head = known.head
    files = {
        "README.txt": _README.encode(),
        VERIFIER: Path(__file__).with_name(VERIFIER).read_bytes(),
        "ledger.jsonl": b"".join(signed.text + b"\n" for signed in known.entries),
        "dossier.json": canonical_json(
            {
                "format": "shazam-dossier-1",
                "model_name": model_name,
                "version": champion.version,
                "bundle_sha256": bundle.sha256,
                "champion_since_entry": champion.seq,
                "head": {"seq": head.seq, "hash": head.hash},
            }
        ),
        "trace.json": canonical_json([{"what": one.what, "value": one.value} for one in links]),
        f"bundle/{BUNDLE_FILE}": canonical_json(bundle.bundle),
        **{f"bundle/{name}": bundle.read(name) for name in bundle.bundle.files},
    }
    if (signature := bundle.folder / SIGNATURE_FILE).is_file():
        files[f"bundle/{SIGNATURE_FILE}"] = signature.read_bytes()
    return publish(target, lambda path: _write(path, files))


def _write(path: Path, files: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = _MODE
            info.create_system = 3
            archive.writestr(info, files[name])
