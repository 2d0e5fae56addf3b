"""Slides by version: those that DVC has under a git revision, and the bytes which that means."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Discriminator, Field, NonNegativeInt, PositiveInt, Tag, field_validator

from shazam.config.section import Section
from shazam.refs import SHA256_PATTERN

BY_VERSION = "slides_by_version"


class SlidesAtRevision(Section):
    """The slides whose DVC pointer stands in a git revision: a commit, a tag or a branch."""

    dvc_rev: str = Field(min_length=1)
    pointer: Path


class RemotePlace(Section):
    """Where a DVC remote keeps its objects; credentials come from the environment alone."""

    url: str = Field(min_length=1)
    endpoint_url: str | None = None
    region: str | None = None

    @field_validator("url", "endpoint_url")
    @classmethod
    def _holds_no_credentials(cls, value: str | None) -> str | None:
        if value is not None and holds_password(value):
            raise ValueError(
                "a user or password stands in the address; give credentials by environment "
                "variables or an AWS profile"
            )
        return value


class SlidesVersion(Section):
    """The exact bytes of a slide folder: what a revision means, wherever a step runs.

    ``files_sha256`` is the digest of the SHA-256 of every file by its name, where it was recorded.
    """

    md5: str = Field(pattern=r"^[0-9a-f]{32}\.dir$")
    n_files: PositiveInt
    size_bytes: NonNegativeInt
    files_sha256: str | None = Field(default=None, pattern=SHA256_PATTERN)
    remote: RemotePlace

    @property
    def folder(self) -> str:
        """Where the slides lie, relative to the workspace."""
        return f"{BY_VERSION}/{self.md5.removesuffix('.dir')}"


def _kind(value: Any) -> str:
    given = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    return "version" if "md5" in given else "revision"


Slides = Annotated[
    Annotated[SlidesAtRevision, Tag("revision")] | Annotated[SlidesVersion, Tag("version")],
    Discriminator(_kind),
]


def holds_password(address: str) -> bool:
    """Tell whether a user or a password stands in an address; unreadable ones count."""
    try:
        return "@" in urlsplit(address).netloc
    except ValueError:
        return True
