"""Freeze the versions of what a run stands on: its slides and its features."""

from __future__ import annotations

from pathlib import Path

from shazam.integrations.dvc import freeze_folder, freeze_view
from shazam.manifests import DataVersion, FeatureSetManifest
from shazam.workspace import Workspace


def freeze_versions(
    manifest: FeatureSetManifest, *, slides_dir: Path | None, workspace: Workspace
) -> FeatureSetManifest:
    """Return the manifest with the versions of its feature views, and of the slides if any.

    Slides outside the workspace are left where they are; their SHA-256 stand in the cohort.
    """
    versions = [
        freeze_view(
            f"features/{teacher.name}",
            {f"{entry.slide_id}.h5": workspace.path(entry.uri) for entry in entries},
            workspace=workspace,
        )
        for teacher, entries in zip(manifest.teachers, manifest.features, strict=True)
    ]
    if slides_dir is not None:
        versions += _slides(slides_dir, workspace)
    return manifest.model_copy(update={"versions": tuple(versions)})


def _slides(slides_dir: Path, workspace: Workspace) -> list[DataVersion]:
    if not slides_dir.resolve().is_relative_to(workspace.root.resolve()):
        return []
    return [freeze_folder(slides_dir.resolve(), workspace=workspace)]
