"""Envelopes: what is signed comes back, and every change of one is refused."""

import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from hypothesis import given
from hypothesis import strategies as st

from shazam.errors import ConfigError, SignatureError
from shazam.promotion.signing.dsse import (
    Envelope,
    Signature,
    decoded,
    pre_authentication,
    read_envelope,
    sign,
    verify,
)
from shazam.promotion.signing.keys import KeyKind, PrivateKey, PublicKey

P256_ORDER = 2**256 - 2**224 + 2**192 - 0x4319055258E8617B0C46353D039CDAAF
KIND = "application/vnd.test+json"
ONE, TWO, OTHER = (
    PrivateKey.generate(kind) for kind in (KeyKind.ED25519, KeyKind.P256, KeyKind.ED25519)
)
KEYS = {key.public.fingerprint: key.public for key in (ONE, TWO)}


def changed(envelope, **fields):
    return envelope.model_copy(update=fields)


def test_what_is_signed_is_the_pre_authentication_encoding():
    assert pre_authentication(b"hello", payload_type="a/b") == b"DSSEv1 3 a/b 5 hello"
    assert pre_authentication(b"", payload_type="\u00e4") == b"DSSEv1 2 \xc3\xa4 0 "


@given(payload=st.binary(max_size=200))
def test_an_envelope_comes_back_and_is_verified(payload):
    envelope = sign(payload, payload_type=KIND, keys=[TWO, ONE])
    again = read_envelope(envelope.text)
    assert again == envelope
    assert again.content == payload
    assert verify(again, payload_type=KIND, keys=KEYS) == tuple(sorted(KEYS))


@given(payload=st.binary(min_size=1, max_size=60), data=st.data())
def test_a_changed_payload_is_refused(payload, data):
    envelope = sign(payload, payload_type=KIND, keys=[ONE])
    at = data.draw(st.integers(0, len(payload) - 1))
    flip = data.draw(st.integers(1, 255))
    other = bytearray(payload)
    other[at] ^= flip
    forged = changed(envelope, payload=base64.b64encode(bytes(other)).decode())
    with pytest.raises(SignatureError, match="not of this content"):
        verify(forged, payload_type=KIND, keys=KEYS)


@given(at=st.integers(0, 63), flip=st.integers(1, 255))
def test_a_changed_signature_is_refused(at, flip):
    envelope = sign(b"x", payload_type=KIND, keys=[ONE])
    raw = bytearray(base64.b64decode(envelope.signatures[0].sig))
    raw[at] ^= flip
    own = Signature(keyid=ONE.public.fingerprint, sig=base64.b64encode(bytes(raw)).decode())
    with pytest.raises(SignatureError):
        verify(changed(envelope, signatures=(own,)), payload_type=KIND, keys=KEYS)


def test_another_type_key_or_signer_is_refused():
    envelope = sign(b"x", payload_type=KIND, keys=[ONE])
    with pytest.raises(SignatureError, match=r"an envelope of .* and not of other"):
        verify(envelope, payload_type="other", keys=KEYS)
    with pytest.raises(SignatureError, match="not of this content"):
        verify(changed(envelope, payload_type="other"), payload_type="other", keys=KEYS)
    stranger = sign(b"x", payload_type=KIND, keys=[OTHER])
    with pytest.raises(SignatureError, match="which is not known"):
        verify(stranger, payload_type=KIND, keys=KEYS)
    with pytest.raises(SignatureError, match="which is not known"):
        verify(sign(b"x", payload_type=KIND, keys=[ONE, OTHER]), payload_type=KIND, keys=KEYS)
    twice = changed(envelope, signatures=envelope.signatures * 2)
    with pytest.raises(SignatureError, match="one key signed an envelope twice"):
        verify(twice, payload_type=KIND, keys=KEYS)
    swapped = Signature(keyid=TWO.public.fingerprint, sig=envelope.signatures[0].sig)
    with pytest.raises(SignatureError, match="not of this content"):
        verify(changed(envelope, signatures=(swapped,)), payload_type=KIND, keys=KEYS)


@pytest.mark.parametrize("text", ["eA", "eA===", "eB==", "e A=", "*", "eA==\n"])
def test_base64_has_one_spelling(text):
    with pytest.raises(SignatureError, match=r"the payload is not (base64|in the one base64 form)"):
        decoded(text, what="the payload")
    assert decoded("eA==", what="the payload") == b"x"


@pytest.mark.parametrize(
    "respell",
    [
        lambda text: json.dumps(json.loads(text)).encode(),
        lambda text: text + b"\n",
        lambda text: text[:-1] + b',"more":1}',
        lambda text: b'{"payload":"eA==",' + text[1:],
        lambda text: text.replace(b"payloadType", b"payload_type"),
        lambda text: text[:-1],
        lambda _: b"[]",
    ],
)
def test_an_envelope_has_one_spelling(respell):
    text = sign(b"x", payload_type=KIND, keys=[ONE]).text
    with pytest.raises(SignatureError, match="DSSE envelope"):
        read_envelope(respell(text))


def test_an_envelope_without_signatures_is_none():
    bare = {"payload": "eA==", "payloadType": KIND, "signatures": []}
    with pytest.raises(SignatureError, match="not a DSSE envelope"):
        read_envelope(json.dumps(bare, sort_keys=True, separators=(",", ":")).encode())
    with pytest.raises(ValueError, match="signatures"):
        Envelope.model_validate(bare)


@pytest.mark.parametrize("kind", list(KeyKind))
def test_a_key_is_told_by_its_fingerprint_and_never_printed(kind):
    key = PrivateKey.generate(kind)
    again = PublicKey.from_pem(key.public.pem)
    assert again.fingerprint == key.public.fingerprint
    assert len(again.fingerprint) == 64
    again.verify(key.sign(b"x"), message=b"x")
    with pytest.raises(SignatureError, match=again.fingerprint[:12]):
        again.verify(key.sign(b"x"), message=b"y")
    assert repr(key) == f"PrivateKey({again.fingerprint[:12]})"


@pytest.mark.parametrize(
    "text", ["", "no key", "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----"]
)
def test_what_is_no_public_key_is_named(text):
    with pytest.raises(ConfigError, match="no public key: give the PEM text"):
        PublicKey.from_pem(text)


def test_public_keys_of_other_kinds_are_named():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    form = serialization.PublicFormat.SubjectPublicKeyInfo
    for key, told in (
        (ec.generate_private_key(ec.SECP384R1()), "on the curve secp384r1"),
        (rsa.generate_private_key(public_exponent=65537, key_size=2048), "of the kind"),
    ):
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
        with pytest.raises(ConfigError, match=told):
            PublicKey.from_pem(pem)


def test_of_the_two_ecdsa_signatures_the_lower_one_is_made():
    """So a second form in a ledger tells that somebody else made it; old ledgers have both."""
    for number in range(40):
        message = b"%d" % number
        r, s = decode_dss_signature(TWO.sign(message))
        assert s <= P256_ORDER // 2
        for one in (s, P256_ORDER - s):
            TWO.public.verify(encode_dss_signature(r, one), message=message)
