"""A model store in memory, and one that stops the process's work at a call."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shazam.errors import ArtifactError, ConfigError
from shazam.promotion import RegisteredVersion, Registration, StoredVersion
from shazam.publish import publish_bytes


class Stopped(Exception):
    """The process ended at this point."""


@dataclass
class MemoryStore:
    """Versions with the folders of their bundles, and aliases."""

    folders: dict[str, Path] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    attached: dict[str, bytes] = field(default_factory=dict)
    calls: int = 0
    stop_at: int | None = None

    def add(self, folder: Path, digest: str) -> str:
        version = str(len(self.digests) + 1)
        self.folders[version], self.digests[version] = folder, digest
        return version

    def register(self, registration: Registration) -> RegisteredVersion:
        raise NotImplementedError

    def alias(self, model_name: str, alias: str) -> str | None:
        return self.aliases.get(alias)

    def find(self, bundle_sha256: str) -> StoredVersion | None:
        for version, digest in self.digests.items():
            if digest == bundle_sha256:
                return StoredVersion("luad", version, digest)
        return None

    def version(self, model_name: str, version: str) -> StoredVersion:
        if version not in self.digests:
            raise ConfigError(f"no version {version}")
        return StoredVersion(model_name, version, self.digests[version])

    def fetch(self, model_name: str, version: str, target: Path) -> None:
        if version not in self.folders:
            raise ArtifactError(f"version {version} is gone")
        shutil.copytree(self.folders[version], target, dirs_exist_ok=True)

    def attach(self, model_name: str, version: str, path: Path) -> None:
        self.attached[version] = path.read_bytes()

    def point(self, model_name: str, *, alias: str, version: str | None) -> None:
        self.calls += 1
        if self.stop_at is not None and self.calls >= self.stop_at:
            raise Stopped
        if version is None:
            self.aliases.pop(alias, None)
        else:
            self.aliases[alias] = version

    def versions(self, model_name: str) -> Mapping[str, str]:
        return dict(self.digests)


@dataclass
class FolderStore(MemoryStore):
    """The same in a folder that several processes share; every alias is a file."""

    root: Path = Path()

    def alias(self, model_name: str, alias: str) -> str | None:
        path = self.root / alias
        return path.read_text() if path.exists() else None

    def point(self, model_name: str, *, alias: str, version: str | None) -> None:
        if version is None:
            (self.root / alias).unlink(missing_ok=True)
        else:
            publish_bytes(self.root / alias, version.encode())
