"""Files of imported features that were replaced since a run, told by their digests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from pydantic import ValidationError

from shazam.errors import ArtifactError
from shazam.manifests import FeatureSetManifest, ImportManifest, SlideFeatures, TeacherIdentity
from shazam.workspace import Workspace

Files = Mapping[str, frozenset[str]]
"""SHA-256 of the files of each name, which is ``teacher/file``."""


def imported_files(feature_set_sha256: str, *, workspace: Workspace) -> dict[str, frozenset[str]]:
    """Return the files that the features of a run were imported from.

    Args:
        feature_set_sha256: digest of the run's feature set.
        workspace: where its manifests lie.

    Raises:
        ArtifactError: the feature set is missing or altered.
    """
    uri = f"manifests/validate_features/{feature_set_sha256}.json"
    path = workspace.open(uri, feature_set_sha256)
    try:
        manifest = FeatureSetManifest.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ArtifactError(f"{uri}: not a feature set: {error}") from error
    imports = _imports(workspace)
    found: dict[str, set[str]] = defaultdict(set)
    for teacher, slides in zip(manifest.teachers, manifest.features, strict=True):
        for name, sha256 in _sources(teacher, slides, imports=imports):
            found[f"{teacher.name}/{name}"].add(sha256)
    return {name: frozenset(digests) for name, digests in found.items()}


def replaced_files(before: Files, now: Files) -> tuple[str, ...]:
    """Return the names that both know, under which other bytes lie now, sorted."""
    return tuple(sorted(name for name in before.keys() & now.keys() if before[name] != now[name]))


def _imports(workspace: Workspace) -> list[ImportManifest]:
    paths = sorted((workspace.root / "manifests" / "import").glob("*.json"))
    return [ImportManifest.model_validate_json(path.read_bytes()) for path in paths]


def _sources(
    teacher: TeacherIdentity, slides: tuple[SlideFeatures, ...], *, imports: list[ImportManifest]
) -> set[tuple[str, str]]:
    of_run = {(slide.slide_id, slide.key) for slide in slides}
    return {
        (slide.source, slide.source_sha256)
        for manifest in imports
        if manifest.teacher.name == teacher.name
        for slide in manifest.slides
        if (slide.slide_id, slide.key) in of_run
    }
