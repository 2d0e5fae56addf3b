"""Views: folders with stable names in which a data stage shows what it made.

``<view>/manifest.json`` holds the stage's ref, and for each file its place in the workspace and its
SHA-256; the files beside it are hard links into the workspace. Views are what DVC versions and
carries about; a stage takes from them what its workspace does not have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shazam.digest import digest_of_file
from shazam.errors import ArtifactError
from shazam.ids import resolve_inside
from shazam.publish import publish_json, publish_link, seal, sealed_digest
from shazam.refs import SHA256_PATTERN, Ref
from shazam.workspace import Workspace

MANIFEST = "manifest.json"
_OWN = "stage"

AnyRef = TypeVar("AnyRef", bound=Ref)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a stage made: its ref, and the uri of each file by the name it is shown under.

    A cohort that was made, not read, has no ref.
    """

    ref: Ref | None
    files: Mapping[str, str]


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    uri: str
    sha256: str = Field(pattern=SHA256_PATTERN)
    sealed: bool


class _View(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    ref: dict[str, object] | None
    files: dict[str, _File]


def publish_view(view: Path, shown: Shown, *, workspace: Workspace) -> dict[str, Path]:
    """Show what a stage made; files that it no longer makes leave the view.

    Returns the published file that each name in the view is a link to.

    Args:
        view: the folder.
        shown: the ref and the files.
        workspace: where they lie.
    """
    ref = shown.ref
    own = {} if ref is None else {f"{_OWN}{Path(ref.uri).suffix}": ref.uri}
    named = {**own, **shown.files}
    view.mkdir(parents=True, exist_ok=True)
    for stale in _names(view) - {*named, MANIFEST}:
        (view / stale).unlink()
    files = {}
    for name, uri in sorted(named.items()):
        source = workspace.path(uri)
        sealed = sealed_digest(source)
        sha256 = sealed or digest_of_file(source)
        files[name] = _File(uri=uri, sha256=sha256, sealed=sealed is not None)
        if not _same_file(view / name, source):
            publish_link(view / name, source)
    told = None if ref is None else ref.model_dump(mode="json")
    publish_json(view / MANIFEST, _View(ref=told, files=files))
    return {name: workspace.path(uri) for name, uri in named.items()}


def adopt(view: Path, *, kind: type[AnyRef], workspace: Workspace) -> AnyRef:
    """Return the ref of a view, after the workspace was given the files that it lacks.

    Raises:
        ArtifactError: the view is not there, or a file of it is missing or altered.
    """
    content = adopt_files(view, workspace=workspace)
    try:
        return kind.model_validate(content.ref)
    except ValidationError as error:
        raise ArtifactError(f"{view}: is no view of a {kind.__name__}; run its stage") from error


def adopt_files(view: Path, *, workspace: Workspace) -> _View:
    """Give the workspace the files of a view that it lacks.

    Raises:
        ArtifactError: as :func:`adopt`.
    """
    path = view / MANIFEST
    try:
        content = _View.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ArtifactError(
            f"{path}: missing; run the stage before this one, or bring it back by 'dvc pull'"
        ) from error
    except ValidationError as error:
        raise ArtifactError(f"{path}: is not the list of a view; run its stage again") from error
    for name, file in content.files.items():
        _take(resolve_inside(view, name), file, workspace=workspace)
    return content


def _names(view: Path) -> set[str]:
    return {path.relative_to(view).as_posix() for path in view.rglob("*") if path.is_file()}


def _take(shown: Path, file: _File, *, workspace: Workspace) -> None:
    target = workspace.path(file.uri)
    if target.is_file():
        return
    if not shown.is_file() or digest_of_file(shown) != file.sha256:
        raise ArtifactError(
            f"{shown}: missing or altered since it was made; bring it back by 'dvc checkout'"
        )
    publish_link(target, shown)
    if file.sealed:
        seal(target, file.sha256)


def _same_file(path: Path, other: Path) -> bool:
    return path.exists() and path.samefile(other)
