"""Names for cases and slides that tell nothing to who has not the key: HMAC-SHA256 of theirs."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from shazam.cohort.alike import folded
from shazam.errors import ConfigError
from shazam.publish import publish_private
from shazam.workspace import Workspace

KEY_FILE_VARIABLE = "SHAZAM_PSEUDONYM_KEY_FILE"
_KEY_FILE = "secrets/pseudonym.key"
_KEY_BYTES = 32
_SHOWN_DIGITS = 32  # 128 bits: two of a cohort's names are never alike


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """One secret key and the names it gives; the same key gives the same names.

    A plain digest of a barcode can be reversed by trying all barcodes; these cannot, without the
    key. Names of cases that a reader takes for one have one pseudonym.
    """

    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) != _KEY_BYTES:
            raise ConfigError(
                f"a key of pseudonyms has {_KEY_BYTES} bytes, not {len(self.key)}; name the file "
                f"that an earlier run made ({KEY_FILE_VARIABLE})"
            )

    @property
    def key_id(self) -> str:
        """Tells keys apart without telling them: SHA-256 of what the key makes of a label."""
        return hashlib.sha256(self._hmac("key", "shazam pseudonyms").encode()).hexdigest()

    def case(self, name: str) -> str:
        """Return the pseudonym of a case, a patient or a tile."""
        return f"c{self._hmac('case', folded(name))[:_SHOWN_DIGITS]}"

    def slide(self, name: str) -> str:
        """Return the pseudonym of a slide."""
        return f"s{self._hmac('slide', name)[:_SHOWN_DIGITS]}"

    def content(self, sha256: str) -> str:
        """Return what stands for the digest of a slide's bytes, 64 hex digits; "" for none."""
        return self._hmac("content", sha256) if sha256 else ""

    def text(self, content: str) -> str:
        """Return what stands for a text that may name cases, 64 hex digits."""
        return self._hmac("text", content)

    def _hmac(self, kind: str, content: str) -> str:
        message = f"{kind}\0{content}".encode(errors="backslashreplace")
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()


def pseudonyms_of(
    workspace: Workspace, *, environment: Mapping[str, str] = os.environ
) -> Pseudonyms:
    """Return the pseudonyms of a workspace; its key is made once, readable to its owner alone.

    Raises:
        ConfigError: the named key is missing, no key, or readable to others.
    """
    given = environment.get(KEY_FILE_VARIABLE)
    path = Path(given) if given else workspace.path(_KEY_FILE)
    if not given and not path.is_file():
        _make(path)
    try:
        text = path.read_text(encoding="ascii").strip()
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: the key of pseudonyms cannot be read ({error}); name the file that an "
            f"earlier run made in {KEY_FILE_VARIABLE}"
        ) from error
    if not given and mode & 0o077:  # what mounts a named file decides its mode
        raise ConfigError(f"{path}: others can read the key of pseudonyms; chmod 600 it")
    try:
        return Pseudonyms(bytes.fromhex(text))
    except ValueError as error:
        raise ConfigError(f"{path}: is no key of pseudonyms: 64 hex digits are") from error


def _make(path: Path) -> None:
    """Write a new key where there is none; of two writers the first one's key stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        publish_private(path, f"{secrets.token_hex(_KEY_BYTES)}\n".encode())
