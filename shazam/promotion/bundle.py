"""The bundle: every file that makes a model and its verdict, under one digest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from shazam.digest import digest_of, digest_of_file
from shazam.errors import ArtifactError

BUNDLE_FILE = "bundle.json"
_SUFFIXES = frozenset({".json", ".parquet", ".safetensors"})  # none of them can run code


class Bundle(BaseModel):
    """Name of each file in the bundle and the SHA-256 of its bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    files: dict[str, str]

    @property
    def sha256(self) -> str:
        """Digest of the whole bundle."""
        return digest_of(self)


def build_bundle(files: Mapping[str, Path]) -> Bundle:
    """Return the bundle of the given files.

    Args:
        files: name in the bundle (a relative path) -> published file.

    Raises:
        ArtifactError: a file is of a format other than JSON, Parquet and safetensors.
    """
    for name in files:
        if Path(name).suffix not in _SUFFIXES:
            raise ArtifactError(f"{name}: a bundle holds safetensors, JSON and Parquet only")
    return Bundle(files={name: digest_of_file(path) for name, path in sorted(files.items())})
