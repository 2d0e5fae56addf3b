"""DSSE envelopes: a payload, its type, and signatures over both.

Source of the form and of the pre-authentication encoding: DSSE protocol 1.0.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shazam.digest import canonical_json
from shazam.errors import SignatureError
from shazam.promotion.signing.keys import PrivateKey, PublicKey


class Signature(BaseModel):
    """One signature (base64) and the fingerprint of the key that made it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keyid: str
    sig: str


class Envelope(BaseModel):
    """A signed payload, base64."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    payload: str
    payload_type: str = Field(alias="payloadType")
    signatures: tuple[Signature, ...] = Field(min_length=1)

    @property
    def content(self) -> bytes:
        """The payload's bytes.

        Raises:
            SignatureError: they are not in the one base64 form.
        """
        return decoded(self.payload, what="the payload")

    @property
    def text(self) -> bytes:
        """The one JSON text of the envelope."""
        return canonical_json(self.model_dump(mode="json", by_alias=True))


def pre_authentication(payload: bytes, *, payload_type: str) -> bytes:
    """Return what is signed: ``DSSEv1 <length> <type> <length> <payload>``."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def sign(payload: bytes, *, payload_type: str, keys: Sequence[PrivateKey]) -> Envelope:
    """Return an envelope with one signature of each key, in the order of their fingerprints."""
    message = pre_authentication(payload, payload_type=payload_type)
    ordered = sorted(keys, key=lambda key: key.public.fingerprint)
    return Envelope(
        payload=base64.b64encode(payload).decode(),
        payload_type=payload_type,
        signatures=tuple(
            Signature(
                keyid=key.public.fingerprint, sig=base64.b64encode(key.sign(message)).decode()
            )
            for key in ordered
        ),
    )


def read_envelope(text: bytes) -> Envelope:
    """Return the envelope that a text is, which must be its one form.

    Raises:
        SignatureError: it is none, or is written in another way.
    """
    try:
        envelope = Envelope.model_validate_json(text)
    except ValidationError as error:
        raise SignatureError(f"not a DSSE envelope: {error.error_count()} problem(s)") from error
    if envelope.text != text:
        raise SignatureError("a DSSE envelope that is not written in its one canonical form")
    return envelope


def verify(
    envelope: Envelope, *, payload_type: str, keys: Mapping[str, PublicKey]
) -> tuple[str, ...]:
    """Check every signature of an envelope and return the fingerprints of the keys that signed.

    Args:
        envelope: the envelope.
        payload_type: what it must hold.
        keys: all keys that may sign, by fingerprint.

    Raises:
        SignatureError: it holds something else, a key is unknown or signed twice, or a signature
            does not hold. No signature is ignored.
    """
    if envelope.payload_type != payload_type:
        raise SignatureError(f"an envelope of {envelope.payload_type}, and not of {payload_type}")
    message = pre_authentication(envelope.content, payload_type=payload_type)
    signers = tuple(signature.keyid for signature in envelope.signatures)
    if len(set(signers)) != len(signers):
        raise SignatureError("one key signed an envelope twice")
    for signature in envelope.signatures:
        if signature.keyid not in keys:
            raise SignatureError(f"signed by the key {signature.keyid[:12]}, which is not known")
        keys[signature.keyid].verify(decoded(signature.sig, what="a signature"), message=message)
    return signers


def decoded(text: str, *, what: str) -> bytes:
    """Return the bytes of a base64 text in its one form.

    Raises:
        SignatureError: it is no base64, or another spelling of the same bytes.
    """
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SignatureError(f"{what} is not base64") from error
    if base64.b64encode(content).decode() != text:
        raise SignatureError(f"{what} is not in the one base64 form of its bytes")
    return content
