"""Digests: canonical JSON and SHA-256. Every cache key is the digest of a typed object."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

_BLOCK_BYTES = 1 << 20


def canonical_json(value: object) -> bytes:
    """Return the one JSON text of a value: sorted keys, no white space, UTF-8, no NaN.

    Bytes of a file's name that are no UTF-8 stand in it as escapes.

    Args:
        value: a pydantic model, a dataclass, or plain JSON data.

    Raises:
        ValueError: the value holds NaN or an infinity.
        TypeError: the value holds something JSON has no form for.
    """
    text = json.dumps(
        _plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode(errors="backslashreplace")


def digest_of(value: object) -> str:
    """Return the SHA-256 (64 hex digits) of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 (64 hex digits) of a file's bytes, read in blocks."""
    return _of_file(path, hashlib.sha256())


def md5_of_file(path: Path) -> str:
    """Return the MD5 (32 hex digits) of a file's bytes: a name that DVC knows it by, no proof."""
    return _of_file(path, hashlib.md5(usedforsecurity=False))


def _of_file(path: Path, digest: hashlib._Hash) -> str:
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value
