"""The protocol of a model store: where versions are kept and aliases point at them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Registration:
    """A request to register one bundle.

    ``metrics`` and ``parameters`` are shown beside the version; ``files`` maps names in the
    bundle to published files; ``extras`` are files shown beside it but outside its digest.
    """

    model_name: str
    bundle_sha256: str
    files: Mapping[str, Path]
    extras: Mapping[str, Path]
    metrics: Mapping[str, float]
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A version in the store and whether this request made it."""

    version: str
    created: bool


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version that the store holds, and the digest of its bundle."""

    model_name: str
    version: str
    bundle_sha256: str


class ModelStore(Protocol):
    """Keeps model versions; registering equal bytes twice gives the same version."""

    def register(self, registration: Registration) -> RegisteredVersion:
        """Register a bundle, or return the version that holds the same bundle."""

    def alias(self, model_name: str, alias: str) -> str | None:
        """Return the version an alias points at, if any."""

    def find(self, bundle_sha256: str) -> StoredVersion | None:
        """Return a version, of any model, that holds a bundle; None if there is none."""

    def version(self, model_name: str, version: str) -> StoredVersion:
        """Return a version by its number or by an alias that points at it.

        Raises:
            ConfigError: the store has no such version, or it is not of a bundle.
        """

    def fetch(self, model_name: str, version: str, target: Path) -> None:
        """Write the files of a version's bundle, and its ``bundle.json``, into a folder.

        The caller compares them.

        Raises:
            ArtifactError: the store no longer holds them.
        """

    def attach(self, model_name: str, version: str, path: Path) -> None:
        """Show a file beside a version's bundle; the same file again changes nothing."""

    def point(self, model_name: str, *, alias: str, version: str | None) -> None:
        """Let an alias point at a version, or at nothing."""

    def versions(self, model_name: str) -> dict[str, str]:
        """Return the SHA-256 of the bundle of each version of a model that has one."""
