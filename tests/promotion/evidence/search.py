"""The search of a bundle for what could tell who its cases are."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from shazam.digest import digest_of

HASHES = (hashlib.md5, hashlib.sha1, hashlib.sha256)


def tellings_of(names: Iterable[str]) -> dict[bytes, str]:
    """Return names, and their plain digests in every usual form, as they could stand in a file."""
    found = {}
    for name in names:
        found[name.encode()] = name
        for spelt in (name, name.lower(), name.upper(), f"{name}\n"):
            for made in HASHES:
                digest = made(spelt.encode()).digest()
                for form in (
                    digest.hex().encode(),
                    digest.hex().upper().encode(),
                    base64.b64encode(digest).rstrip(b"="),
                    base64.urlsafe_b64encode(digest).rstrip(b"="),
                    base64.b32encode(digest).rstrip(b"="),
                    digest,
                ):
                    found[form] = f"{made.__name__} of {name}"
        found[digest_of(name).encode()] = f"canonical digest of {name}"
    return found


def found_in(folder: Path, names: Iterable[str]) -> list[str]:
    """Return what of these names, or of their plain digests, stands in a folder's files."""
    tellings = tellings_of(names)
    return [
        f"{path.relative_to(folder)}: {told}"
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for content in contents(path)
        for telling, told in tellings.items()
        if telling in content
    ]


def contents(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes, and of a table also what is packed in them."""
    yield path.as_posix().encode()
    yield path.read_bytes()
    if path.suffix == ".parquet":
        yield pd.read_parquet(path).to_csv().encode()
