"""The bundle: every file that makes a model and its verdict, under one digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shazam.digest import digest_of, digest_of_file
from shazam.errors import ArtifactError

BUNDLE_FILE = "bundle.json"
BUNDLES = "bundles"
_SUFFIXES = frozenset({".json", ".md", ".parquet", ".safetensors"})  # none of them can run code


class Bundle(BaseModel):
    """Name of each file in the bundle and the SHA-256 of its bytes.

    Bundles before format 2 said no format, and held the names of cases.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["shazam-bundle-2"] = "shazam-bundle-2"
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
        ArtifactError: a file is of a format other than JSON, Markdown, Parquet and safetensors.
    """
    return _bundle({name: digest_of_file(path) for name, path in files.items()})


def bundle_of(files: Mapping[str, bytes]) -> Bundle:
    """Return the bundle of files that are not written yet.

    Args:
        files: name in the bundle (a relative path) -> content.

    Raises:
        ArtifactError: a file is of a format other than JSON, Markdown, Parquet and safetensors.
    """
    return _bundle({n: hashlib.sha256(content).hexdigest() for n, content in files.items()})


def _bundle(digests: Mapping[str, str]) -> Bundle:
    for name in digests:
        if Path(name).suffix not in _SUFFIXES:
            raise ArtifactError(
                f"{name}: a bundle holds safetensors, JSON, Markdown and Parquet only"
            )
    return Bundle(files=dict(sorted(digests.items())))
