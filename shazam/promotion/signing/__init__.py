"""Signatures: keys, and envelopes that hold what was signed."""

from shazam.promotion.signing.dsse import Envelope, read_envelope, sign, verify
from shazam.promotion.signing.keys import KeyKind, PrivateKey, PublicKey

__all__ = ["Envelope", "KeyKind", "PrivateKey", "PublicKey", "read_envelope", "sign", "verify"]
