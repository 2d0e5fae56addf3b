"""A registered bundle as files again, each compared to the digest that the bundle names."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from shazam.errors import ArtifactError
from shazam.promotion.bundle import BUNDLE_FILE, BUNDLES, Bundle
from shazam.promotion.folder_check import check_folder, read_file
from shazam.promotion.store import ModelStore, StoredVersion
from shazam.publish import publish_bytes, publish_folder, publish_json
from shazam.workspace import Workspace


@dataclass(frozen=True, slots=True)
class OpenedBundle:
    """A bundle whose files were all compared.

    Who can write in its folder can change a file after that: :meth:`read` compares again what it
    returns, and :func:`private_copy` gives files that nobody else can write.

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

    def digest(self, name: str) -> str:
        """Return the SHA-256 that the bundle names for a file.

        Raises:
            ArtifactError: the bundle has no such file.
        """
        self.path(name)
        return self.bundle.files[name]

    def read(self, name: str) -> bytes:
        """Return the bytes of a file of the bundle, compared to its digest as they are read.

        Raises:
            ArtifactError: the bundle has no such file, or it was altered since.
        """
        return read_file(self.folder, name, sha256=self.digest(name))

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

    return open_version(found, store=store, workspace=workspace)


def open_version(stored: StoredVersion, *, store: ModelStore, workspace: Workspace) -> OpenedBundle:
    """Return a bundle of the workspace, or fetch it from one version of the store.

    Raises:
        ArtifactError: as of :func:`open_bundle`.
    """
    sha256 = stored.bundle_sha256
    folder = workspace.path(f"{BUNDLES}/{sha256}")
    if folder.is_dir():
        return verified(folder, sha256=sha256)

    def write(target: Path) -> None:
        store.fetch(stored.model_name, stored.version, target)
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


@contextmanager
def private_copy(opened: OpenedBundle) -> Iterator[OpenedBundle]:
    """Give a bundle whose files only this process's user can write, as long as it is needed.

    Each file is compared as it is copied, so that whoever writes in the workspace cannot show one
    file to the comparison and another one to what computes.

    Raises:
        ArtifactError: a file was altered since the bundle was opened.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / opened.sha256
        for name in opened.bundle.files:
            publish_bytes(folder / name, opened.read(name))
        publish_json(folder / BUNDLE_FILE, opened.bundle)
        yield OpenedBundle(folder, opened.bundle)
