"""A registered bundle as files again, each compared to the digest that the bundle names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shazam.errors import ArtifactError
from shazam.promotion.bundle import BUNDLES, Bundle
from shazam.promotion.folder_check import check_folder
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
    bundle = check_folder(folder)
    if bundle.sha256 != sha256:
        raise ArtifactError(f"{folder}: is the bundle {bundle.sha256}, and {sha256} is asked for")
    return OpenedBundle(folder, bundle)
