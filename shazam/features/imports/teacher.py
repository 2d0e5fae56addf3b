"""Who made imported features, and the key of a file made of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from shazam.errors import ConfigError
from shazam.features.imports.bag import ImportOptions
from shazam.features.imports.sources import ID_RULE
from shazam.ids import is_valid_id
from shazam.manifests import LevelDims, TeacherIdentity
from shazam.meaning import meaning_within
from shazam.refs import SHA256_PATTERN

IMPORT_METHOD = "import-1"
_IMPORTING = "shazam/features/imports/importing.py"

_SHA256 = re.compile(SHA256_PATTERN)


@dataclass(frozen=True, slots=True)
class ImportedTeacher:
    """Who made the features, as far as the user says."""

    name: str
    revision: str
    licence: str
    weights_sha256: str | None = None

    def __post_init__(self) -> None:
        if not is_valid_id(self.name):
            raise ConfigError(f"teacher '{self.name}' is not a valid name; {ID_RULE}")
        if self.weights_sha256 is not None and not _SHA256.fullmatch(self.weights_sha256):
            raise ConfigError("the digest of the weights is not a SHA-256 of 64 small hex digits")

    def identity(self, dims: LevelDims) -> TeacherIdentity:
        """Return the identity that manifests carry."""
        return TeacherIdentity(
            name=self.name,
            revision=self.revision,
            weights_sha256=self.weights_sha256,
            transform_sha256=None,
            dims=dims,
            licence=self.licence,
        )


def import_method() -> str:
    """Return what stands in every key: the code that reads, checks and stores an import."""
    return f"{IMPORT_METHOD}.{meaning_within('shazam/features', _IMPORTING)}"


@dataclass(frozen=True, slots=True)
class ImportKey:
    """Everything that changes the bytes of an imported feature file."""

    slide_id: str
    source_sha256: str
    teacher: str
    revision: str
    weights_sha256: str | None
    options: ImportOptions
    method: str = field(default_factory=import_method)
