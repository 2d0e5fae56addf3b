"""The workspace: the one folder in which all bytes of a project live.

Layout::

    cohorts/<digest>/cohort.parquet           cases and slides, typed
    slides/<key>.json                         what validation found in one slide
    slides_by_version/<md5>/...               slides that DVC has under a version
    tiles/<key>/<slide_id>.h5                 tile grid of one slide
    tiles/<key>/<slide_id>.1.jpg              the slide with its tiles, small
    contact_sheets/<key>.jpg                  all slides of a cohort in one picture
    attention/<key>/<slide_id>.jpg            a slide, its tiles of highest attention outlined
    features/<teacher>/<key>/<slide_id>.h5    features of one slide
    throughput/<teacher>/<device>.json        how fast extraction went
    manifests/<stage>/<digest>.json           lists that the refs name
    arms/<arm>/<key>/...                      predictions and models of one arm
    checkpoints/<key>/...                     fits under way, until their arm is done
    locked/<name>/...                         a test cohort that nothing trains on, and its uses
    bundles/<sha256>/...                      a registered bundle: no names, but keyed ones
    secrets/pseudonym.key                     makes these names; never leaves the workspace
    retraining/slides.json                    digests of slides that were read
    runs/<digest>/...                         one evaluation: report, metrics, predictions, models
    repeats/<digest>.json                     evaluations of one config over several partitions

A key covers everything that changes the bytes, the slide's own SHA-256 included, so nothing is
ever overwritten with other content.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from shazam.config.slides import BY_VERSION
from shazam.digest import canonical_json, digest_of, digest_of_file
from shazam.errors import ArtifactError, ConfigError
from shazam.ids import resolve_inside
from shazam.publish import publish_bytes
from shazam.refs import Ref

WORKSPACE_VARIABLE = "SHAZAM_WORKSPACE"

Manifest = TypeVar("Manifest", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace folder. Uris are paths relative to its root."""

    root: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Workspace:
        """Return the workspace that ``SHAZAM_WORKSPACE`` names.

        Raises:
            ConfigError: the variable is not set.
        """
        value = environment.get(WORKSPACE_VARIABLE)
        if not value:
            raise ConfigError(f"{WORKSPACE_VARIABLE} is not set; set it to the workspace folder")
        return cls(Path(value))

    def path(self, uri: str) -> Path:
        """Return the path of a uri.

        Raises:
            ConfigError: the uri leaves the workspace.
        """
        return resolve_inside(self.root, uri)

    def slides(self, slides_dir: str) -> Path:
        """Return the slide folder that a step is given: a path, or slides by version as a uri.

        Raises:
            ArtifactError: slides by version are no longer there.
        """
        if Path(slides_dir).parts[:1] != (BY_VERSION,):
            return Path(slides_dir)
        folder = self.path(slides_dir)
        if not folder.is_dir():
            raise ArtifactError(
                f"{slides_dir}: missing from the workspace; run again with --no-cache"
            )
        return folder

    def uri(self, path: Path) -> str:
        """Return the uri of a path below the workspace."""
        return path.resolve().relative_to(self.root.resolve()).as_posix()

    def open_ref(self, ref: Ref) -> Path:
        """Return the file a ref names, after its digest was compared.

        Raises:
            ArtifactError: the file is missing or its bytes are not those the ref was made for.
        """
        return self.open(ref.uri, ref.sha256)

    def open(self, uri: str, sha256: str) -> Path:
        """Return a file of the workspace, after its digest was compared.

        Raises:
            ArtifactError: the file is missing or altered.
        """
        path = self.path(uri)
        if not path.is_file():
            raise ArtifactError(f"{uri}: missing from the workspace; run again with --no-cache")
        if digest_of_file(path) != sha256:
            raise ArtifactError(f"{uri}: altered since it was written; run again with --no-cache")
        return path

    def read_manifest(self, ref: Ref, kind: type[Manifest]) -> Manifest:
        """Return the typed manifest a ref names.

        Raises:
            ArtifactError: the file is missing, altered or not of that kind.
        """
        path = self.open_ref(ref)
        try:
            return kind.model_validate_json(path.read_bytes())
        except ValidationError as error:
            raise ArtifactError(f"{ref.uri}: not a {kind.__name__}: {error}") from error

    def write_manifest(self, stage: str, manifest: BaseModel) -> tuple[str, str]:
        """Publish a manifest under its own digest; returns (uri, sha256)."""
        content = canonical_json(manifest)
        path = self.root / "manifests" / stage / f"{digest_of(manifest)}.json"
        return self.uri(path), publish_bytes(path, content)
