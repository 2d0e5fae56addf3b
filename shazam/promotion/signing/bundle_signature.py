"""The signature beside a bundle, in the form of a Sigstore bundle with a public key's hint."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from shazam.errors import ArtifactError, SignatureError
from shazam.promotion.bundle import BUNDLE_FILE, Bundle
from shazam.promotion.folder_check import SIGNATURE_FILE, check_folder, read_small
from shazam.promotion.signing.dsse import decoded, pre_authentication
from shazam.promotion.signing.keys import PrivateKey, PublicKey
from shazam.promotion.signing.statement import PAYLOAD_TYPE, check_statement, statement_of
from shazam.publish import publish_bytes

_MOST_BYTES = 64 << 20
_STRICT = ConfigDict(
    frozen=True,
    extra="forbid",
    strict=True,
    alias_generator=to_camel,
    validate_by_name=True,
    validate_by_alias=True,
)


class _Hint(BaseModel):
    model_config = _STRICT

    hint: str


class _Material(BaseModel):
    model_config = _STRICT

    public_key: _Hint
    tlog_entries: list[str] = Field(max_length=0)


class _Signature(BaseModel):
    model_config = _STRICT

    sig: str
    keyid: Literal[""]


class _Envelope(BaseModel):
    model_config = _STRICT

    payload: str
    payload_type: str
    signatures: list[_Signature]


class _Signed(BaseModel):
    """Fields in the order in which they are written."""

    model_config = _STRICT

    media_type: Literal["application/vnd.dev.sigstore.bundle.v0.3+json"]
    verification_material: _Material
    dsse_envelope: _Envelope

    @property
    def text(self) -> bytes:
        """The one JSON text of the signature."""
        return json.dumps(self.model_dump(by_alias=True), separators=(",", ":")).encode()


def sign_bundle(folder: Path, key: PrivateKey) -> Path:
    """Write ``bundle.sig`` over every file of a bundle, its manifest included.

    Raises:
        ArtifactError: the folder is not exactly its bundle.
    """
    bundle = check_folder(folder)
    payload = statement_of(_digests(bundle), name=bundle.sha256)
    signature = key.sign(pre_authentication(payload, payload_type=PAYLOAD_TYPE))
    signed = _Signed(
        media_type="application/vnd.dev.sigstore.bundle.v0.3+json",
        verification_material=_Material(public_key=_Hint(hint=_hint(key.public)), tlog_entries=[]),
        dsse_envelope=_Envelope(
            payload=base64.b64encode(payload).decode(),
            payload_type=PAYLOAD_TYPE,
            signatures=[_Signature(sig=base64.b64encode(signature).decode(), keyid="")],
        ),
    )
    publish_bytes(folder / SIGNATURE_FILE, signed.text)
    return folder / SIGNATURE_FILE


def verify_bundle(
    folder: Path, keys: Iterable[PublicKey], *, expected_sha256: str | None = None
) -> Bundle:
    """Return the bundle of a folder after its files and the signature over them were checked.

    Args:
        folder: the bundle and its ``bundle.sig``.
        keys: any of them may have signed.
        expected_sha256: digest of the bundle, if it is known.

    Raises:
        ArtifactError: the folder is not exactly its bundle, or it is another bundle.
        SignatureError: ``bundle.sig`` is damaged, by another key, or of other files.
    """
    bundle = check_folder(folder)
    if expected_sha256 is not None and bundle.sha256 != expected_sha256:
        raise ArtifactError(
            f"{folder}: is the bundle {bundle.sha256}, and {expected_sha256} is asked for"
        )
    try:
        envelope, key = _read(folder, keys)
        payload = decoded(envelope.payload, what="the payload")
        key.verify(
            decoded(envelope.signatures[0].sig, what="the signature"),
            message=pre_authentication(payload, payload_type=PAYLOAD_TYPE),
        )
        check_statement(payload, digests=_digests(bundle))
    except SignatureError as error:
        raise SignatureError(f"{folder / SIGNATURE_FILE}: {error}") from error
    return bundle


def _read(folder: Path, keys: Iterable[PublicKey]) -> tuple[_Envelope, PublicKey]:
    text = read_small(folder, SIGNATURE_FILE, most_bytes=_MOST_BYTES)
    try:
        signed = _Signed.model_validate_json(text)
    except ValidationError as error:
        raise SignatureError("not a signature of the known form") from error
    if signed.text != text:
        raise SignatureError("not written in its one form")
    envelope = signed.dsse_envelope
    if envelope.payload_type != PAYLOAD_TYPE:
        raise SignatureError(f"signs {envelope.payload_type}, and not {PAYLOAD_TYPE}")
    if len(envelope.signatures) != 1:
        raise SignatureError(f"holds {len(envelope.signatures)} signatures, not one")
    hint = signed.verification_material.public_key.hint
    for key in keys:
        if _hint(key) == hint:
            return envelope, key
    raise SignatureError(f"signed by the key {hint[:12]}, which is not among those given")


def _digests(bundle: Bundle) -> dict[str, str]:
    # The manifest is canonical, so that its bytes' digest is the bundle's.
    return {**bundle.files, BUNDLE_FILE: bundle.sha256}


def _hint(key: PublicKey) -> str:
    return hashlib.sha256(key.pem.encode()).hexdigest()
