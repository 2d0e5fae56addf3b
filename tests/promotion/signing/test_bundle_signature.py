"""The signature beside a bundle holds for exactly its bytes, for us and for OpenSSF's verifier."""

from __future__ import annotations

import base64
import json
import random
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from shazam.errors import ArtifactError, ShazamError, SignatureError
from shazam.promotion import build_bundle
from shazam.promotion.signing.bundle_signature import sign_bundle, verify_bundle
from shazam.promotion.signing.dsse import pre_authentication
from shazam.promotion.signing.keys import KeyKind, PrivateKey
from shazam.promotion.signing.statement import PAYLOAD_TYPE
from shazam.publish import publish_json

KEYS = {kind: PrivateKey.generate(kind) for kind in KeyKind}
N_FLIPS = 240
NAMES = ("config.json", "models/m.json", "models/m.safetensors", "models-a.json")


def fill(folder: Path, *, salt: str = "") -> Path:
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name + salt)
    publish_json(folder / "bundle.json", build_bundle({n: folder / n for n in NAMES}))
    return folder


@pytest.fixture(params=list(KeyKind))
def key(request: pytest.FixtureRequest) -> PrivateKey:
    return KEYS[request.param]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path / "bundle")


def test_a_signed_bundle_is_verified_without_a_network(
    folder: Path, key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError(args)

    monkeypatch.setattr(socket, "socket", refuse)
    assert sign_bundle(folder, key) == folder / "bundle.sig"
    bundle = verify_bundle(folder, [key.public])
    assert set(bundle.files) == set(NAMES)
    assert verify_bundle(folder, [key.public], expected_sha256=bundle.sha256) == bundle
    with pytest.raises(ArtifactError, match="is asked for"):
        verify_bundle(folder, [key.public], expected_sha256="0" * 64)


def test_every_flipped_byte_is_refused(folder: Path, key: PrivateKey) -> None:
    sign_bundle(folder, key)
    chance, refused = random.Random(7), 0
    files = [folder / name for name in (*NAMES, "bundle.json", "bundle.sig")]
    for turn in range(N_FLIPS):
        path = files[turn % len(files)]
        before = path.read_bytes()
        changed = bytearray(before)
        changed[chance.randrange(len(changed))] ^= chance.randrange(1, 256)
        path.write_bytes(changed)
        # A name changed in the manifest is told as the file that is now missing or renamed.
        told = "bundle" if path.name == "bundle.json" else path.name.replace(".", r"\.")
        with pytest.raises(ShazamError, match=told):
            verify_bundle(folder, [key.public])
        refused += 1
        path.write_bytes(before)
    assert refused == N_FLIPS
    verify_bundle(folder, [key.public])


def test_an_unknown_key_is_told(folder: Path, key: PrivateKey) -> None:
    sign_bundle(folder, key)
    other = PrivateKey.generate(KeyKind.P256).public
    with pytest.raises(SignatureError, match="not among those given"):
        verify_bundle(folder, [other])


def test_a_missing_signature_is_told(folder: Path, key: PrivateKey) -> None:
    with pytest.raises(ArtifactError, match=r"bundle\.sig: missing"):
        verify_bundle(folder, [key.public])


def test_the_signature_of_another_bundle_is_refused(
    folder: Path, key: PrivateKey, tmp_path: Path
) -> None:
    other = sign_bundle(fill(tmp_path / "other", salt="!"), key)
    shutil.copy(other, folder / "bundle.sig")
    with pytest.raises(SignatureError, match=r"bundle\.json: other bytes"):
        verify_bundle(folder, [key.public])


def rewrite(folder: Path, change: Callable[[dict], object]) -> None:
    path = folder / "bundle.sig"
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document, separators=(",", ":")))


def twice(document: dict) -> None:
    document["dsseEnvelope"]["signatures"] *= 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (twice, "holds 2 signatures"),
        (lambda d: d["dsseEnvelope"].update(payloadType="text/plain"), "signs text/plain"),
        (lambda d: d.update(more=1), "known form"),
        (lambda d: d["dsseEnvelope"]["signatures"][0].update(keyid="a"), "known form"),
        (lambda d: d["dsseEnvelope"]["signatures"][0].update(sig="AAAA"), "is not by the key"),
        (lambda d: d["verificationMaterial"]["publicKey"].update(hint="0"), "not among those"),
    ],
)
def test_another_envelope_is_refused(
    change: Callable[[dict], object], told: str, folder: Path, key: PrivateKey
) -> None:
    sign_bundle(folder, key)
    rewrite(folder, change)
    with pytest.raises(SignatureError, match=told):
        verify_bundle(folder, [key.public])


@pytest.mark.parametrize(
    "spell",
    [
        lambda text: text + b"\n",
        lambda text: text.replace(b":", b": ", 1),
        lambda text: b'{"mediaType":"x",' + text[1:],
        lambda text: text.replace(b"m", rb"\u006d", 1),
    ],
)
def test_another_spelling_is_refused(
    spell: Callable[[bytes], bytes], folder: Path, key: PrivateKey
) -> None:
    path = sign_bundle(folder, key)
    path.write_bytes(spell(path.read_bytes()))
    with pytest.raises(SignatureError, match="one form"):
        verify_bundle(folder, [key.public])


def restate(folder: Path, key: PrivateKey, change: Callable[[dict], object]) -> None:
    def signed(document: dict) -> None:
        statement = json.loads(base64.b64decode(document["dsseEnvelope"]["payload"]))
        change(statement)
        payload = json.dumps(statement).encode()
        made = key.sign(pre_authentication(payload, payload_type=PAYLOAD_TYPE))
        document["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
        document["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(made).decode()

    rewrite(folder, signed)


def resources(statement: dict) -> list[dict]:
    return statement["predicate"]["resources"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: resources(s).pop(), "is not among the signed files"),
        (lambda s: resources(s).append({**resources(s)[0], "name": "x"}), "x: was signed"),
        (lambda s: resources(s)[0].update(name="x"), "is not among the signed files"),
        (lambda s: resources(s)[0].update(digest="0" * 64), "other bytes"),
        (lambda s: resources(s).append(resources(s)[0]), "repeated or not in their order"),
        (lambda s: resources(s).reverse(), "repeated or not in their order"),
        (lambda s: s["subject"][0]["digest"].update(sha256="0" * 64), "digest of the signed"),
        (lambda s: s["subject"].append(s["subject"][0]), "known form: subject"),
        (
            lambda s: s["predicate"]["serialization"]["ignore_paths"].append(".git"),
            "known form: predicate.serialization.ignore_paths",
        ),
        (lambda s: s.update(predicateType="other"), "known form: predicateType"),
    ],
)
def test_another_statement_is_refused(
    change: Callable[[dict], object], told: str, folder: Path, key: PrivateKey
) -> None:
    sign_bundle(folder, key)
    restate(folder, key, change)
    with pytest.raises(SignatureError, match=told):
        verify_bundle(folder, [key.public])


@pytest.mark.parametrize("text", ['"predicateType"', '"subject"'])
def test_a_statement_that_says_a_thing_twice_is_refused(
    text: str, folder: Path, key: PrivateKey
) -> None:
    """Readers differ in which of the two they take."""
    sign_bundle(folder, key)

    def signed(document: dict) -> None:
        payload = base64.b64decode(document["dsseEnvelope"]["payload"]).decode()
        payload = payload.replace("{", "{" + text + ":[],", 1).encode()
        made = key.sign(pre_authentication(payload, payload_type=PAYLOAD_TYPE))
        document["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
        document["dsseEnvelope"]["signatures"][0]["sig"] = base64.b64encode(made).decode()

    rewrite(folder, signed)
    with pytest.raises(SignatureError, match="a key stands twice in what was signed"):
        verify_bundle(folder, [key.public])


@pytest.fixture
def pems(tmp_path: Path) -> tuple[Path, Path]:
    key = KEYS[KeyKind.P256]
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    form = serialization.PrivateFormat.PKCS8
    none = serialization.NoEncryption()
    private.write_bytes(key.key.private_bytes(serialization.Encoding.PEM, form, none))
    public.write_text(key.public.pem)
    return private, public


def test_openssf_verifies_ours(folder: Path, pems: tuple[Path, Path]) -> None:
    verifying = pytest.importorskip("model_signing.verifying")
    signature = sign_bundle(folder, KEYS[KeyKind.P256])
    theirs = verifying.Config().use_elliptic_key_verifier(public_key=pems[1])
    theirs.verify(folder, signature)
    (folder / "config.json").write_text("other")
    with pytest.raises(ValueError, match=r"config\.json"):
        theirs.verify(folder, signature)


def sign_as_theirs(folder: Path, private: Path, *, ignore_git: bool) -> None:
    hashing = pytest.importorskip("model_signing.hashing")
    signing = pytest.importorskip("model_signing.signing")
    signature = folder / "bundle.sig"
    config = hashing.Config().set_ignored_paths(paths=[signature], ignore_git_paths=ignore_git)
    signer = signing.Config().use_elliptic_key_signer(private_key=private)
    signer.set_hashing_config(config).sign(folder, signature)


def test_we_verify_openssf(folder: Path, pems: tuple[Path, Path]) -> None:
    sign_as_theirs(folder, pems[0], ignore_git=False)
    assert set(verify_bundle(folder, [KEYS[KeyKind.P256].public]).files) == set(NAMES)
    (folder / "config.json").write_text("other")
    with pytest.raises(ArtifactError, match=r"config\.json was altered"):
        verify_bundle(folder, [KEYS[KeyKind.P256].public])


def test_paths_that_a_signature_ignores_are_refused(folder: Path, pems: tuple[Path, Path]) -> None:
    sign_as_theirs(folder, pems[0], ignore_git=True)
    with pytest.raises(SignatureError, match="ignore_paths"):
        verify_bundle(folder, [KEYS[KeyKind.P256].public])
