"""Key pairs that sign: Ed25519, or ECDSA on P-256 with SHA-256."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from shazam.errors import ConfigError, SignatureError

_ECDSA = ec.ECDSA(SHA256())
# n of P-256: NIST SP 800-186, 3.2.1.3
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class KeyKind(StrEnum):
    """What a key pair is for signatures."""

    ED25519 = "ed25519"
    P256 = "p256"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key, told apart from others by the fingerprint of its one DER form.

    Args:
        key: of one of the two kinds.
    """

    key: ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey

    @classmethod
    def from_pem(cls, pem: str) -> PublicKey:
        """Return the key that a PEM text (SubjectPublicKeyInfo) holds.

        Raises:
            ConfigError: it holds none, or one of another kind.
        """
        try:
            key = serialization.load_pem_public_key(pem.encode())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise ConfigError(
                "no public key: give the PEM text that begins with BEGIN PUBLIC KEY"
            ) from error
        if not isinstance(key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey):
            raise ConfigError(f"a public key of the kind {type(key).__name__}: {_KINDS}")
        if isinstance(key, ec.EllipticCurvePublicKey) and not _is_p256(key.curve):
            raise ConfigError(f"a public key on the curve {key.curve.name}: {_KINDS}")
        return cls(key)

    @property
    def pem(self) -> str:
        """The key as PEM text."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_bytes(serialization.Encoding.PEM, form).decode()

    @property
    def fingerprint(self) -> str:
        """SHA-256 (64 hex digits) of the key's DER form; equal keys have equal ones."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        der = self.key.public_bytes(serialization.Encoding.DER, form)
        return hashlib.sha256(der).hexdigest()

    def verify(self, signature: bytes, *, message: bytes) -> None:
        """Check a signature.

        Raises:
            SignatureError: it is not by this key, or not of this message.
        """
        try:
            if isinstance(self.key, ed25519.Ed25519PublicKey):
                self.key.verify(signature, message)
            else:
                self.key.verify(signature, message, _ECDSA)
        except InvalidSignature as error:
            raise SignatureError(
                f"a signature is not by the key {self.fingerprint[:12]}, or not of this content"
            ) from error


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key; it is never printed.

    Args:
        key: of one of the two kinds.
    """

    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey

    @classmethod
    def generate(cls, kind: KeyKind) -> PrivateKey:
        """Return a new key."""
        match kind:
            case KeyKind.ED25519:
                return cls(ed25519.Ed25519PrivateKey.generate())
            case KeyKind.P256:
                return cls(ec.generate_private_key(ec.SECP256R1()))

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return PublicKey(self.key.public_key())

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message: 64 bytes (Ed25519) or DER (ECDSA)."""
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(message)
        return _low(self.key.sign(message, _ECDSA))

    def __repr__(self) -> str:
        return f"PrivateKey({self.public.fingerprint[:12]})"


_KINDS = "keys are Ed25519 or ECDSA on P-256; make one with `shazam registry key`"


def _low(signature: bytes) -> bytes:
    """Return the one of the two ECDSA signatures (r, s) and (r, n - s) whose s is lower.

    Anybody can make one of the other. Both are accepted, because ledgers of earlier releases and
    other programs have either.
    """
    r, s = decode_dss_signature(signature)
    return encode_dss_signature(r, min(s, _P256_ORDER - s))


def _is_p256(curve: ec.EllipticCurve) -> bool:
    return isinstance(curve, ec.SECP256R1)
