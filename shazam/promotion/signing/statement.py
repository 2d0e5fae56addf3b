"""The in-toto statement over the files of a bundle, in the form of OpenSSF model signing 1.0."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shazam.digest import canonical_json
from shazam.errors import SignatureError
from shazam.promotion.folder_check import SIGNATURE_FILE

PAYLOAD_TYPE = "application/vnd.in-toto+json"
_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Digest(BaseModel):
    model_config = _STRICT

    sha256: _Sha256


class _Subject(BaseModel):
    model_config = _STRICT

    name: str
    digest: _Digest


class _Serialization(BaseModel):
    model_config = _STRICT

    method: Literal["files"]
    hash_type: Literal["sha256"]
    allow_symlinks: Literal[False]
    ignore_paths: list[Literal["bundle.sig"]] = Field(min_length=1, max_length=1)


class _Resource(BaseModel):
    model_config = _STRICT

    name: str
    algorithm: Literal["sha256"]
    digest: _Sha256


class _Predicate(BaseModel):
    model_config = _STRICT

    serialization: _Serialization
    resources: list[_Resource]


class _Statement(BaseModel):
    model_config = _STRICT

    type: Literal["https://in-toto.io/Statement/v1"] = Field(alias="_type")
    subject: list[_Subject] = Field(min_length=1, max_length=1)
    predicate_type: Literal["https://model_signing/signature/v1.0"] = Field(alias="predicateType")
    predicate: _Predicate


def statement_of(digests: Mapping[str, str], *, name: str) -> bytes:
    """Return the statement over files, as canonical JSON.

    Args:
        digests: name of each file -> SHA-256 of its bytes.
        name: what they are together.
    """
    ordered = _ordered(digests)
    return canonical_json(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": name, "digest": {"sha256": _root(digests)}}],
            "predicateType": "https://model_signing/signature/v1.0",
            "predicate": {
                "serialization": {
                    "method": "files",
                    "hash_type": "sha256",
                    "allow_symlinks": False,
                    "ignore_paths": [SIGNATURE_FILE],
                },
                "resources": [
                    {"name": one, "algorithm": "sha256", "digest": digests[one]} for one in ordered
                ],
            },
        }
    )


def check_statement(payload: bytes, *, digests: Mapping[str, str]) -> None:
    """Check that a statement is about exactly these files.

    Raises:
        SignatureError: it is no such statement, leaves paths out, or a file is missing from it, too
            many or of another digest.
    """
    try:
        json.loads(payload, object_pairs_hook=unrepeated)
        found = _Statement.model_validate_json(payload)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise SignatureError(f"the signed statement is not of the known form: {where}") from error
    except (ValueError, RecursionError) as error:
        raise SignatureError("the signed statement is no JSON text") from error
    signed = {one.name: one.digest for one in found.predicate.resources}
    for name in sorted(signed.keys() | digests.keys()):
        if name not in signed:
            raise SignatureError(f"{name}: is not among the signed files")
        if name not in digests:
            raise SignatureError(f"{name}: was signed, and is not a file of this bundle")
        if signed[name] != digests[name]:
            raise SignatureError(f"{name}: other bytes of it were signed")
    if [one.name for one in found.predicate.resources] != _ordered(digests):
        raise SignatureError("the signed files are repeated or not in their order")
    if found.subject[0].digest.sha256 != _root(digests):
        raise SignatureError("the digest of the signed statement is not that of its files")


def unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return the object of a JSON text.

    Raises:
        SignatureError: a key stands twice in it.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise SignatureError("a key stands twice in what was signed")
    return found


def _ordered(digests: Mapping[str, str]) -> list[str]:
    return sorted(digests, key=lambda name: PurePosixPath(name).parts)


def _root(digests: Mapping[str, str]) -> str:
    return hashlib.sha256(
        b"".join(bytes.fromhex(digests[name]) for name in _ordered(digests))
    ).hexdigest()
