"""The teachers a run may use: catalogue, lock, where weights lie, whose code may be run."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from shazam.config.extraction import EncodingConfig
from shazam.digest import digest_of
from shazam.errors import ArtifactError, ConfigError
from shazam.manifests import TeacherIdentity
from shazam.teachers.catalogue import Catalogue, shipped_catalogue
from shazam.teachers.entry import Hub, Loader, TeacherEntry
from shazam.teachers.identity import identity
from shazam.teachers.lock import Lock, LockedTeacher, find_lock, read_lock
from shazam.teachers.store import hub_file, weights_dir_from

CONFIG_FILE = "config.json"


@dataclass(frozen=True, slots=True)
class TeacherLibrary:
    """Everything that is needed to name, identify and load a teacher.

    ``allow_remote_code`` names the teachers whose Python from the hub may be run; ``weights_dir``
    is a mirror that is looked into before the hub's cache.
    """

    catalogue: Catalogue = field(default_factory=shipped_catalogue)
    lock: Lock = field(default_factory=Lock)
    allow_remote_code: frozenset[str] = frozenset()
    weights_dir: Path | None = None

    @classmethod
    def open(
        cls,
        *,
        teachers_file: Path | None = None,
        lock_file: Path | None = None,
        config_folder: Path | None = None,
        allow_remote_code: frozenset[str] = frozenset(),
    ) -> TeacherLibrary:
        """Return the library of some files; see :func:`find_lock` for which lock is read.

        Raises:
            ConfigError: a file is missing or malformed, or an allowed teacher is unknown.
        """
        catalogue = Catalogue.load(teachers_file)
        for name in sorted(allow_remote_code):
            catalogue.entry(name)
        return cls(
            catalogue=catalogue,
            lock=read_lock(find_lock(lock_file, folder=config_folder)),
            allow_remote_code=allow_remote_code,
            weights_dir=weights_dir_from(),
        )

    @classmethod
    def from_config(cls, encoding: EncodingConfig) -> TeacherLibrary:
        """Return the library of a config, whose loading found the lock file beside it.

        Raises:
            ConfigError: see :meth:`open`.
        """
        return cls.open(
            teachers_file=encoding.teachers_file,
            lock_file=encoding.teachers_lock,
            allow_remote_code=frozenset(encoding.allow_remote_code),
        )

    def entry(self, name: str) -> TeacherEntry:
        """Return a teacher's entry in the catalogue.

        Raises:
            ConfigError: there is none.
        """
        return self.catalogue.entry(name)

    def identity(self, name: str) -> TeacherIdentity:
        """Return everything of a teacher that changes the bytes of its features.

        Raises:
            ConfigError: it is unknown, or a hub teacher that is not locked.
        """
        return identity(self.entry(name), self.lock)

    def locked(self, name: str) -> LockedTeacher | None:
        """Return a hub teacher's lock entry; None for other teachers.

        Raises:
            ConfigError: it is unknown, or a hub teacher that is not locked.
        """
        source = self.entry(name).source
        return self.lock.locked(name, hub_id=source.hub_id) if isinstance(source, Hub) else None

    def check_remote_code(self, name: str) -> None:
        """Refuse code from the hub that the user did not allow.

        Raises:
            ConfigError: says what would be run and how to allow it.
        """
        entry = self.entry(name)
        network, source = entry.network, entry.source
        if network is None or network.loader is not Loader.REMOTE_CODE:
            return
        if name not in self.allow_remote_code and isinstance(source, Hub):
            raise ConfigError(
                f"teacher '{name}': its network is Python code from {source.hub_id} "
                f"({', '.join(source.code)}), which would be run here with your rights; read it, "
                f"then allow it with extraction.allow_remote_code: [{name}]"
            )

    def verified_files(self, name: str) -> dict[str, Path]:
        """Return all files of a hub teacher after their digests were compared.

        Raises:
            ConfigError: it is unknown, no hub teacher, or not locked.
            ArtifactError: a file is missing or altered.
        """
        locked = self.locked(name)
        if locked is None:
            raise ConfigError(f"teacher '{name}': is not a teacher of the hub")
        return {
            file.file: hub_file(name, locked=locked, file=file, weights_dir=self.weights_dir)
            for file in locked.files
        }

    def verified_text(self, name: str, file: str) -> str:
        """Return the text of a small locked file; the very bytes that are returned were compared.

        Raises:
            ConfigError: it is not locked.
            ArtifactError: it is missing, altered or no UTF-8 text.
        """
        locked = self.locked(name)
        wanted = next((f for f in locked.files if f.file == file), None) if locked else None
        if locked is None or wanted is None:
            raise ConfigError(f"teacher '{name}': {file} is not locked")
        path = hub_file(name, locked=locked, file=wanted, weights_dir=self.weights_dir)
        content = path.read_bytes()
        if sha256(content).hexdigest() != wanted.sha256:
            raise ArtifactError(f"teacher '{name}': {path} changed while it was read")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ArtifactError(f"teacher '{name}': {path} is no UTF-8 text") from error


def beside_files(entry: TeacherEntry) -> tuple[str, ...]:
    """Return the files that a hub teacher needs beside its weights."""
    if entry.network is None or not isinstance(entry.source, Hub):
        return ()
    config = (CONFIG_FILE,) if entry.network.architecture is None else ()
    return (*config, *entry.source.code)


def read_config_json(text: str, *, origin: str) -> Mapping[str, Any]:
    """Return the content of a verified ``config.json``.

    Raises:
        ArtifactError: it is no JSON object.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{origin}: config.json is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise ArtifactError(f"{origin}: config.json holds no JSON object")
    return content


def check_identities(
    names: Sequence[str], digests: Sequence[str], *, encoding: EncodingConfig
) -> None:
    """Compare teachers with what they were when the run was planned.

    Args:
        names: of the teachers.
        digests: of their identities then, in their order.
        encoding: catalogue and lock.

    Raises:
        ConfigError: one is another now.
    """
    library = TeacherLibrary.from_config(encoding)
    for name, digest in zip(names, digests, strict=True):
        if digest_of(library.identity(name)) != digest:
            raise ConfigError(
                f"teacher '{name}': its entry in the catalogue or in the lock is not the one that "
                "the run was started with; start it again"
            )
