"""What a git revision means: the bytes that a DVC pointer names in it, told where git is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import BaseModel, Field, ValidationError

from shazam.config.load import YAML_FAULTS
from shazam.config.slides import SlidesAtRevision, SlidesVersion
from shazam.config.tree import Config
from shazam.errors import ConfigError
from shazam.integrations.dvc_add import manifest_beside, parse_manifest
from shazam.integrations.dvc_compare import commit_of
from shazam.integrations.dvc_remote import place_of
from shazam.integrations.dvc_repository import repository_holding

if TYPE_CHECKING:
    from dvc.repo import Repo


class _Out(BaseModel):
    md5: str
    path: str
    size: int
    nfiles: int = 1
    hash: str = "md5-dos2unix"
    remote: str | None = None


class _Pointer(BaseModel):
    outs: list[_Out] = Field(min_length=1, max_length=1)


def resolved(config: Config) -> Config:
    """Return a config whose slides are exact bytes; one that names no revision stays as it is.

    Steps then need neither git nor the repository.

    Raises:
        ConfigError: revision, pointer or remote is not there.
    """
    slides = config.cohort.slides
    if not isinstance(slides, SlidesAtRevision):
        return config
    cohort = config.cohort.model_copy(update={"slides": slides_version(slides)})
    return config.model_copy(update={"cohort": cohort})


def slides_version(slides: SlidesAtRevision) -> SlidesVersion:
    """Return the bytes that a pointer names in a revision, and where its repository keeps them.

    Raises:
        ConfigError: revision, pointer or remote is not there, or the pointer is not of a folder.
    """
    pointer = slides.pointer.resolve()
    with repository_holding(pointer.parent) as repository:
        commit = commit_of(slides.dvc_rev, repository=repository)
        shown = f"{slides.pointer} in revision '{slides.dvc_rev}'"
        content = _content(pointer, commit=commit, repository=repository)
        if content is None:
            raise ConfigError(f"{shown}: there is no such file; commit it, or name another")
        out = _parse(content, shown=shown)
        beside = manifest_beside(pointer.parent / out.path)
        recorded = _content(beside, commit=commit, repository=repository)
        manifest = None if recorded is None else parse_manifest(recorded, shown=str(beside))
        own = manifest is not None and manifest.md5 == out.md5
        return SlidesVersion(
            md5=out.md5,
            n_files=out.nfiles,
            size_bytes=out.size,
            files_sha256=manifest.digest() if manifest is not None and own else None,
            remote=place_of(repository, name=out.remote),
        )


def _content(path: Path, *, commit: str, repository: Repo) -> bytes | None:
    """Return the bytes of a file in a commit; None if it is not there."""
    root = Path(repository.scm.root_dir).resolve()
    files = repository.scm.get_fs(commit)
    name = f"/{path.relative_to(root).as_posix()}"
    try:
        return bytes(files.cat_file(name))
    except (FileNotFoundError, IsADirectoryError):
        return None


def _parse(content: bytes, *, shown: str) -> _Out:
    try:
        (out,) = _Pointer.model_validate(yaml.safe_load(content)).outs
    except (*YAML_FAULTS, ValidationError) as error:
        raise ConfigError(f"{shown}: is no pointer of DVC to one folder; name another") from error
    if not out.md5.endswith(".dir"):
        raise ConfigError(f"{shown}: names a lone file, not a folder of slides; name another")
    if out.hash != "md5":
        raise ConfigError(
            f"{shown}: was written by DVC 2; run 'dvc cache migrate --dvc-files', commit and push"
        )
    return out
