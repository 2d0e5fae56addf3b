"""Private keys in files: PKCS#8 PEM that only their owner can read.

A person's key is protected by a passphrase, always. A pipeline's key may go without one: it lies in
a secret that only its pod can read.
"""

from __future__ import annotations

import stat
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from shazam.errors import ConfigError
from shazam.promotion.signing.keys import PrivateKey
from shazam.publish import publish_private

PASSPHRASE_CHARACTERS = 12
_PROTECTED = b"BEGIN ENCRYPTED PRIVATE KEY"
_MOST_BYTES = 10_000


def write_private_key(path: Path, key: PrivateKey, *, passphrase: str | None) -> None:
    """Write a private key to a new file that only its owner can read.

    Args:
        path: where there is no file yet.
        key: the key.
        passphrase: None for a pipeline's key.

    Raises:
        ConfigError: the passphrase is too short, or the file exists or cannot be written.
        DiskFullError: the disk is full; nothing is left of the key.
    """
    if passphrase is not None and len(passphrase) < PASSPHRASE_CHARACTERS:
        raise ConfigError(
            f"a passphrase has at least {PASSPHRASE_CHARACTERS} characters; several words are good"
        )
    protection = (
        serialization.NoEncryption()
        if passphrase is None
        else serialization.BestAvailableEncryption(passphrase.encode())
    )
    pem = key.key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection
    )
    try:
        publish_private(path, pem)
    except OSError as error:
        raise ConfigError(
            f"{path}: no key can be written here: {error.strerror}; name a file that does not exist"
        ) from error


def is_protected(path: Path) -> bool:
    """Return whether a private key's file asks for a passphrase.

    Raises:
        ConfigError: it cannot be read.
    """
    return _PROTECTED in _content(path)


def read_private_key(path: Path, *, passphrase: str | None) -> PrivateKey:
    """Return the private key of a file.

    Args:
        path: the file.
        passphrase: None for a key that has none.

    Raises:
        ConfigError: the file cannot be read or holds no such key, others may read it, or the
            passphrase is wrong, missing or too many.
    """
    content = _content(path)
    protected = _PROTECTED in content
    if protected and passphrase is None:
        raise ConfigError(f"{path}: the key is protected; give its passphrase")
    if not protected:
        check_own(path, what="this key, which has no passphrase")
    try:
        key = serialization.load_pem_private_key(
            content, None if not protected or passphrase is None else passphrase.encode()
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        why = "wrong passphrase, or a damaged file" if protected else "no private key in PEM form"
        raise ConfigError(f"{path}: {why}") from error
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return PrivateKey(key)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return PrivateKey(key)
    raise ConfigError(
        f"{path}: a key of another kind; keys are Ed25519 or ECDSA on P-256: make one with "
        "`shazam registry key`"
    )


def check_protected(path: Path) -> None:
    """Refuse a person's key that has no passphrase.

    Raises:
        ConfigError: it has none.
    """
    if not is_protected(path):
        raise ConfigError(
            f"{path}: a person's key is protected by a passphrase, and this one is not; make a new "
            "one with `shazam registry key`, and have two roots put it into the policy"
        )


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: the key cannot be read: {error.strerror}") from error
    if len(content) > _MOST_BYTES:
        raise ConfigError(f"{path}: too large for a key")
    return content


def check_own(path: Path, *, what: str) -> None:
    """Refuse a secret in a file that others may read, but for a pod's group if it is mounted.

    Raises:
        ConfigError: they may.
    """
    others = path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    if others & ~(stat.S_IRGRP if _is_mounted_secret(path) else 0):
        raise ConfigError(f"{path}: others may read {what}; chmod 600 it")


def _is_mounted_secret(path: Path) -> bool:
    """Whether it is a file of a Kubernetes secret, which a pod's group must be able to read."""
    return path.is_symlink() and path.resolve().parent.name.startswith("..")
