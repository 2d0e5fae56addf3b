"""Make a version: DVC's pointer, and beside it a manifest with the SHA-256 of every file.

DVC names bytes by MD5, which proves nothing; the manifest (``<path>.sha256.json``) is committed
with the pointer, and what is brought back later is held against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from shazam.digest import canonical_json, digest_of, digest_of_file
from shazam.errors import ConfigError, DataError
from shazam.integrations.dvc_cache import offer_to_cache
from shazam.integrations.dvc_errors import by_dvc
from shazam.integrations.dvc_listing import is_listing, read_listing
from shazam.integrations.dvc_repository import Scope
from shazam.manifests import DataVersion
from shazam.publish import publish_bytes

if TYPE_CHECKING:
    from dvc.repo import Repo

SUFFIX = ".sha256.json"


class FilesManifest(BaseModel):
    """The SHA-256 of each file of a version, by its path in it; a lone file by its name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    md5: str
    files: dict[str, str]

    def digest(self) -> str:
        """Return the digest of all files' SHA-256."""
        return digest_of(self.files)


def manifest_beside(path: Path) -> Path:
    """Return where the manifest of a versioned path lies."""
    return path.with_name(f"{path.name}{SUFFIX}")


def read_manifest(path: Path, *, md5: str) -> FilesManifest | None:
    """Return the manifest of a versioned path; None if there is none of this version.

    Raises:
        DataError: the file is no manifest.
    """
    try:
        content = manifest_beside(path).read_bytes()
    except FileNotFoundError:
        return None
    manifest = parse_manifest(content, shown=str(manifest_beside(path)))
    return manifest if manifest.md5 == md5 else None


def parse_manifest(content: bytes, *, shown: str) -> FilesManifest:
    """Return the manifest that a file holds.

    Raises:
        DataError: it holds none.
    """
    try:
        return FilesManifest.model_validate_json(content)
    except ValidationError as error:
        raise DataError(
            f"{shown}: is no list of SHA-256; restore it by 'git checkout', or make it again by "
            "'shazam data version'"
        ) from error


def version_path(path: Path, *, place: Scope) -> DataVersion:
    """Version a file or folder with its manifest; equal content changes no file.

    Raises:
        ConfigError: there is no such path, no file in it, or it is part of another version.
        DataError: DVC refused it.
    """
    if not path.exists():
        raise ConfigError(f"{path}: no such file or folder; name one that is there")
    if path.is_dir() and not any(file.is_file() for file in path.rglob("*")):
        raise ConfigError(f"{path}: holds no file, so there is nothing to version")
    for out in place.repository.index.outs:
        if path != (whole := Path(out.fs_path)) and path.is_relative_to(whole):
            raise ConfigError(
                f"{path}: is part of {place.shown(whole)}, which is versioned as a whole; run "
                f"'shazam data version {place.shown(whole)}'"
            )
    version = add_version(path, shown=place.shown(path), repository=place.repository)
    if is_listing(version.md5):  # without files that .dvcignore leaves out
        names = read_listing(version.md5, repository=place.repository)
        sha256 = {name: digest_of_file(path / name) for name in names}
    else:
        sha256 = {path.name: digest_of_file(path)}
    write_manifest(path, FilesManifest(md5=version.md5, files=sha256))
    return version


def write_manifest(path: Path, manifest: FilesManifest) -> None:
    """Publish the manifest of a versioned path, if it changed."""
    target, content = manifest_beside(path), canonical_json(manifest)
    if not target.is_file() or target.read_bytes() != content:
        publish_bytes(target, content)


def add_version(
    path: Path,
    *,
    shown: str,
    repository: Repo,
    files: Mapping[str, Path] = MappingProxyType({}),
) -> DataVersion:
    """Let DVC version a path as it stands.

    Args:
        path: a file or folder; its files may become read-only links into DVC's cache.
        shown: the path that the version tells.
        repository: the repository that holds it.
        files: where names in a folder are links to published files, those files.

    Raises:
        DataError: DVC refused it.
    """
    advice = "choose a path that neither git nor a stage of dvc.yaml keeps"
    with by_dvc(shown, advice=advice):
        if path.is_dir():
            offer_to_cache(path, files, repository=repository)
        (stage,) = repository.add([str(path)])
    (out,) = stage.outs
    return DataVersion(
        path=shown,
        md5=str(out.hash_info.value),
        n_files=int(out.meta.nfiles or path.is_file()),
        size_bytes=int(out.meta.size or 0),
    )
