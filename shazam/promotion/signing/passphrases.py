"""Passphrases from a file, where nobody is there to type them; the file is its owner's alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from shazam.errors import ConfigError
from shazam.promotion.signing.key_files import check_own

FILE_VARIABLE = "SHAZAM_PASSPHRASE_FILE"
_MOST_BYTES = 10_000


def given_passphrases(
    n_keys: int, *, environment: Mapping[str, str] = os.environ
) -> tuple[str, ...] | None:
    """Return the passphrases of the file that ``SHAZAM_PASSPHRASE_FILE`` names; None if none is.

    Args:
        n_keys: how many keys have one, in the order of the file's lines; one line is for all.
        environment: names the file.

    Raises:
        ConfigError: the file cannot be read, others may read it, or it has another number of lines.
    """
    named = environment.get(FILE_VARIABLE)
    if not named:
        return None
    lines = _lines(Path(named))
    if len(lines) == 1:
        return lines * n_keys
    if len(lines) != n_keys:
        raise ConfigError(
            f"{named}: {len(lines)} lines, and {n_keys} key(s) have a passphrase; write one line "
            "for each, in the order in which the keys are given, or a single one for all"
        )
    return lines


def _lines(path: Path) -> tuple[str, ...]:
    try:
        check_own(path, what="this file of passphrases")
        with path.open("rb") as file:
            lines = tuple(file.read(_MOST_BYTES).decode().splitlines())
    except OSError as error:
        raise ConfigError(f"{path}: the passphrase cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:  # its message would hold what was read
        raise ConfigError(f"{path}: the passphrase is not in UTF-8") from None
    if not lines or not all(lines):
        raise ConfigError(f"{path}: an empty file or line, and no passphrase")
    return lines
