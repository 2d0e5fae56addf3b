"""DVC: versions of the workspace's bytes, in a repository inside the workspace.

DVC names bytes by MD5; our own manifests carry SHA-256 beside it. Versioned folders are views:
hard links to content that already lies in the workspace, so bytes are stored once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from shazam.digest import digest_of_file
from shazam.integrations.dvc_add import add_version
from shazam.integrations.dvc_repository import workspace_repository
from shazam.manifests import DataVersion
from shazam.publish import publish_json, publish_link
from shazam.workspace import Workspace

VIEW_MANIFEST = "manifest.json"


def freeze_folder(
    folder: Path, *, workspace: Workspace, files: Mapping[str, Path] = MappingProxyType({})
) -> DataVersion:
    """Version a folder of the workspace as it stands.

    Args:
        folder: a folder below the workspace; its files become read-only links into DVC's cache.
        files: where names in the folder are links to published files, those files.

    Raises:
        DataError: DVC could not read or store the files.
    """
    with workspace_repository(workspace) as repository:
        shown = workspace.uri(folder)
        return add_version(folder, shown=shown, files=files, repository=repository)


def freeze_view(name: str, files: Mapping[str, Path], *, workspace: Workspace) -> DataVersion:
    """Version a view ``data/<name>`` that holds exactly the given files and a manifest.

    Args:
        name: such as ``features/uni_v2``.
        files: file name in the view -> published file of the workspace.
    """
    view = workspace.root / "data" / name
    view.mkdir(parents=True, exist_ok=True)
    for stale in {path.name for path in view.iterdir()} - {*files, VIEW_MANIFEST}:
        (view / stale).unlink()
    digests = {}
    for file_name, source in sorted(files.items()):
        target = view / file_name
        digests[file_name] = digest_of_file(source)
        if not _same_file(target, source):
            publish_link(target, source)
    publish_json(view / VIEW_MANIFEST, digests)
    return freeze_folder(view, workspace=workspace, files=files)


def _same_file(path: Path, other: Path) -> bool:
    return path.exists() and path.samefile(other)
