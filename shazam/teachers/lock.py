"""The lock file: which bytes of a hub teacher are meant, by revision and SHA-256."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from shazam.config.load import LOCK_NAME
from shazam.errors import ConfigError
from shazam.publish import publish_bytes
from shazam.refs import SHA256_PATTERN
from shazam.teachers.reading import read_yaml
from shazam.teachers.schema import FILE_PATTERN, HUB_ID_PATTERN, TeacherName

REVISION_PATTERN = r"^[0-9a-f]{40}$"
_HEADER = b"# Written by `shazam teachers fetch`; see docs/teachers.md. Keep it with your config.\n"


class Part(BaseModel):
    """A part of a lock file; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LockedFile(Part):
    """One file of a repository."""

    file: str = Field(pattern=FILE_PATTERN)
    sha256: str = Field(pattern=SHA256_PATTERN)
    size_bytes: PositiveInt


class LockedTeacher(Part):
    """All files of one teacher, the weights first.

    ``origin`` is ``mirror`` where the files came from a folder that does not say its revision;
    ``revision`` is then made of their digests.
    """

    hub_id: str = Field(pattern=HUB_ID_PATTERN)
    revision: str = Field(pattern=REVISION_PATTERN)
    origin: Literal["hub", "mirror"] = "hub"
    files: tuple[LockedFile, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _files_differ(self) -> Self:
        names = [file.file for file in self.files]
        if len(set(names)) != len(names):
            raise ValueError("files: a file is named twice")
        return self

    @property
    def weights(self) -> LockedFile:
        """The file that holds the weights."""
        return self.files[0]


class Lock(Part):
    """A lock file's content: locked teachers by their name in the catalogue."""

    version: Literal[1] = 1
    teachers: dict[TeacherName, LockedTeacher] = Field(default_factory=dict)

    def locked(self, name: str, *, hub_id: str) -> LockedTeacher:
        """Return a teacher's entry.

        Raises:
            ConfigError: it has none, or one of another repository.
        """
        entry = self.teachers.get(name)
        if entry is None:
            raise ConfigError(
                f"teacher '{name}': the lock file has no entry, so its weights are not known; "
                f"run: shazam teachers fetch {name}"
            )
        if entry.hub_id != hub_id:
            raise ConfigError(
                f"teacher '{name}': locked as {entry.hub_id}, but the catalogue says {hub_id}; "
                f"run: shazam teachers fetch --update {name}"
            )
        return entry

    def with_entry(self, name: str, entry: LockedTeacher) -> Lock:
        """Return the lock with a teacher's entry put in or replaced."""
        return Lock(teachers=dict(sorted({**self.teachers, name: entry}.items())))


def read_lock(path: Path | None) -> Lock:
    """Return the content of a lock file; None stands for an empty one.

    Raises:
        ConfigError: it cannot be read or is malformed.
    """
    return Lock() if path is None else read_yaml(path, Lock)


def write_lock(path: Path, lock: Lock) -> None:
    """Publish a lock file."""
    text = yaml.safe_dump(lock.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    publish_bytes(path, _HEADER + text.encode())


def find_lock(configured: Path | None, *, folder: Path | None = None) -> Path | None:
    """Return the lock file to use, or None.

    In this order: the one that is named (by ``--lock``, else by ``extraction.teachers_lock``), the
    one beside the config, the one in the current folder.

    Args:
        configured: the file that is named, if one is.
        folder: the config's folder.

    Raises:
        ConfigError: the named one does not exist.
    """
    if configured is not None:
        if not configured.is_file():
            raise ConfigError(
                f"lock file {configured}: does not exist; shazam teachers fetch makes it"
            )
        return configured
    folders = [Path.cwd()] if folder is None else [folder, Path.cwd()]
    return next((f / LOCK_NAME for f in folders if (f / LOCK_NAME).is_file()), None)
