"""A registered bundle as files again, each compared to the digest that the bundle names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shazam.digest import digest_of_file
from shazam.errors import ArtifactError
from shazam.promotion.bundle import BUNDLE_FILE, BUNDLES, Bundle
from shazam.promotion.store import ModelStore
from shazam.publish import publish_folder
from shazam.workspace import Workspace


@dataclass(frozen=True, slots=True)
class OpenedBundle:
    """A bundle whose files were all compared.

    Args:
        folder: where they lie.
        bundle: their names and digests.
    """

    folder: Path
    bundle: Bundle

    @property
    def sha256(self) -> str:
        """Digest of the bundle."""
        return self.bundle.sha256

    def path(self, name: str) -> Path:
        """Return a file of the bundle.

        Raises:
            ArtifactError: the bundle has no such file.
        """
        if name not in self.bundle.files:
            raise ArtifactError(
                f"bundle {self.sha256[:12]}: has no {name}, as an earlier version registered it; "
                "train and register the model again"
            )
        return self.folder / name

    def model(self) -> tuple[Path, Path]:
        """Return the JSON and the safetensors of its model.

        Raises:
            ArtifactError: it does not hold exactly one.
        """
        found = [name for name in self.bundle.files if PurePosixPath(name).parts[0] == "models"]
        described = [name for name in found if name.endswith(".json")]
        if len(described) != 1 or len(found) != 2:
            raise ArtifactError(
                f"bundle {self.sha256[:12]}: holds {len(described)} models, not one: "
                f"{', '.join(sorted(found)) or 'no file of a model'}"
            )
        name = described[0]
        return self.path(name), self.path(f"{name.removesuffix('.json')}.safetensors")


def open_bundle(sha256: str, *, store: ModelStore, workspace: Workspace) -> OpenedBundle:
    """Return a bundle of the workspace, or fetch it from the store into ``bundles/<sha256>/``.

    Raises:
        ArtifactError: it is neither in the workspace nor registered, or one of its files is
            missing, altered or too many; nothing is left of a bundle that cannot be fetched whole.
    """
    folder = workspace.path(f"{BUNDLES}/{sha256}")
    if folder.is_dir():
        return verified(folder, sha256=sha256)
    found = store.find(sha256)
    if found is None:
        raise ArtifactError(
            f"bundle {sha256}: neither in this workspace nor registered; name the "
            "bundle of a registered version, and the store that holds it (MLFLOW_TRACKING_URI)"
        )

    def write(target: Path) -> None:
        store.fetch(found.model_name, found.version, target)
        verified(target, sha256=sha256)

    publish_folder(folder, write)
    return verified(folder, sha256=sha256)


def verified(folder: Path, *, sha256: str) -> OpenedBundle:
    """Return the bundle of a folder, each file compared to its digest.

    Raises:
        ArtifactError: it is another bundle, or a file is missing, altered or too many.
    """
    bundle = _read(folder / BUNDLE_FILE)
    if bundle.sha256 != sha256:
        raise ArtifactError(f"{folder}: is the bundle {bundle.sha256}, and {sha256} is asked for")
    for name, digest in bundle.files.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ArtifactError(f"bundle {sha256[:12]}: the file {name} lies outside its folder")
        if not path.is_file():
            raise ArtifactError(f"bundle {sha256[:12]}: {name} is missing from {folder}")
        if digest_of_file(path) != digest:
            raise ArtifactError(
                f"bundle {sha256[:12]}: {name} was altered since it was registered ({folder})"
            )
    extra = sorted(set(_names(folder)) - set(bundle.files) - {BUNDLE_FILE})
    if extra:
        raise ArtifactError(
            f"bundle {sha256[:12]}: {folder} holds files that are not of the bundle: "
            f"{', '.join(extra)}"
        )
    return OpenedBundle(folder, bundle)


def _names(folder: Path) -> Iterator[str]:
    return (p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def _read(path: Path) -> Bundle:
    try:
        document = json.loads(path.read_bytes())
        if isinstance(document, dict) and "format" not in document and "files" in document:
            raise ArtifactError(
                f"{path}: of an earlier version, whose bundles name cases and hold no evidence; "
                "run again and register the model with this version"
            )
        return Bundle.model_validate(document)
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: missing or damaged; it names the bundle's files") from error
