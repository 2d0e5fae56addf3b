"""Private keys in files: only their owner reads them, and people's have a passphrase."""

import errno
import os
import stat

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from shazam.errors import ConfigError, DiskFullError
from shazam.promotion.signing.key_files import (
    check_protected,
    is_protected,
    read_private_key,
    write_private_key,
)
from shazam.promotion.signing.keys import KeyKind, PrivateKey

PASSPHRASE = "four words are enough"


def fingerprint(key):
    return key.public.fingerprint


@pytest.mark.parametrize("kind", list(KeyKind))
@pytest.mark.parametrize("passphrase", [None, PASSPHRASE])
def test_a_key_comes_back(tmp_path, kind, passphrase):
    key, path = PrivateKey.generate(kind), tmp_path / "key.pem"
    write_private_key(path, key, passphrase=passphrase)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert is_protected(path) is (passphrase is not None)
    assert fingerprint(read_private_key(path, passphrase=passphrase)) == fingerprint(key)


def test_the_file_is_never_readable_by_others(tmp_path):
    before = os.umask(0)
    try:
        write_private_key(tmp_path / "k", PrivateKey.generate(KeyKind.ED25519), passphrase=None)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600


def test_a_key_is_never_replaced(tmp_path):
    key, path = PrivateKey.generate(KeyKind.ED25519), tmp_path / "key.pem"
    write_private_key(path, key, passphrase=None)
    with pytest.raises(ConfigError, match="no key can be written here: File exists"):
        write_private_key(path, PrivateKey.generate(KeyKind.ED25519), passphrase=None)
    assert fingerprint(read_private_key(path, passphrase=None)) == fingerprint(key)


@pytest.mark.parametrize("failing", ["write_bytes", "read_bytes"])
def test_of_a_key_that_cannot_be_written_whole_nothing_is_left(tmp_path, monkeypatch, failing):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "key.pem"
    with monkeypatch.context() as patched:
        patched.setattr(f"pathlib.Path.{failing}", fail)
        with pytest.raises(DiskFullError, match=r"key\.pem: not written"):
            write_private_key(path, PrivateKey.generate(KeyKind.P256), passphrase=PASSPHRASE)
    assert list(tmp_path.iterdir()) == []
    write_private_key(path, PrivateKey.generate(KeyKind.P256), passphrase=PASSPHRASE)
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="no key can be written here"):
        write_private_key(tmp_path / "link", PrivateKey.generate(KeyKind.P256), passphrase=None)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("passphrase", ["", "short", "elevenchars"])
def test_a_short_passphrase_is_refused(tmp_path, passphrase):
    with pytest.raises(ConfigError, match="at least 12 characters"):
        write_private_key(
            tmp_path / "k", PrivateKey.generate(KeyKind.ED25519), passphrase=passphrase
        )
    assert not (tmp_path / "k").exists()


def test_a_wrong_or_missing_passphrase_is_named(tmp_path):
    path = tmp_path / "k"
    write_private_key(path, PrivateKey.generate(KeyKind.ED25519), passphrase=PASSPHRASE)
    with pytest.raises(ConfigError, match="wrong passphrase"):
        read_private_key(path, passphrase="another one it is")
    with pytest.raises(ConfigError, match="give its passphrase"):
        read_private_key(path, passphrase=None)


def test_a_passphrase_for_a_key_without_one_is_not_needed(tmp_path):
    path = tmp_path / "k"
    key = PrivateKey.generate(KeyKind.ED25519)
    write_private_key(path, key, passphrase=None)
    assert fingerprint(read_private_key(path, passphrase=PASSPHRASE)) == fingerprint(key)


def test_a_persons_key_without_passphrase_is_refused(tmp_path):
    write_private_key(tmp_path / "k", PrivateKey.generate(KeyKind.ED25519), passphrase=None)
    with pytest.raises(ConfigError, match="a person's key is protected"):
        check_protected(tmp_path / "k")
    write_private_key(tmp_path / "p", PrivateKey.generate(KeyKind.ED25519), passphrase=PASSPHRASE)
    check_protected(tmp_path / "p")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_without_passphrase_that_others_may_read_is_refused(tmp_path, mode):
    path = tmp_path / "k"
    write_private_key(path, PrivateKey.generate(KeyKind.ED25519), passphrase=None)
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_private_key(path, passphrase=None)


def test_a_mounted_secret_may_be_read_by_the_pods_group(tmp_path):
    data = tmp_path / "..2026_03_01"
    data.mkdir()
    key = PrivateKey.generate(KeyKind.ED25519)
    write_private_key(data / "k", key, passphrase=None)
    (data / "k").chmod(0o440)
    (tmp_path / "..data").symlink_to(data)
    (tmp_path / "k").symlink_to(tmp_path / "..data" / "k")
    assert fingerprint(read_private_key(tmp_path / "k", passphrase=None)) == fingerprint(key)
    (data / "k").chmod(0o444)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_private_key(tmp_path / "k", passphrase=None)


def test_a_link_alone_makes_no_mounted_secret(tmp_path):
    write_private_key(tmp_path / "real", PrivateKey.generate(KeyKind.ED25519), passphrase=None)
    (tmp_path / "real").chmod(0o440)
    (tmp_path / "k").symlink_to(tmp_path / "real")
    with pytest.raises(ConfigError, match="chmod 600"):
        read_private_key(tmp_path / "k", passphrase=None)


def pem_of(key):
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ],
)
def test_keys_of_other_kinds_are_refused(tmp_path, key):
    path = tmp_path / "k"
    path.write_bytes(pem_of(key))
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="a key of another kind"):
        read_private_key(path, passphrase=None)


@pytest.mark.parametrize("content", [b"", b"not a key", b"x" * 20_000])
def test_what_is_no_key_is_named(tmp_path, content):
    path = tmp_path / "k"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"no private key in PEM form|too large for a key"):
        read_private_key(path, passphrase=None)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_private_key(tmp_path / "absent", passphrase=None)
