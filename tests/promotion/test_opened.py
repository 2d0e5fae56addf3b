"""A bundle is opened whole, as it was registered, or not at all."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shazam.digest import canonical_json
from shazam.errors import ArtifactError
from shazam.promotion import Bundle, RegisteredVersion, Registration, StoredVersion, build_bundle
from shazam.promotion.opened import open_bundle, private_copy, verified
from shazam.publish import publish_json
from shazam.workspace import Workspace

NAMES = ("config.json", "models/m.json", "models/m.safetensors", "seen.json")


@dataclass
class FolderStore:
    """A store whose only version lies in a folder."""

    folder: Path
    bundle: Bundle
    fetched: list[str] = field(default_factory=list)

    def register(self, registration: Registration) -> RegisteredVersion:
        raise AssertionError(registration)

    def alias(self, model_name: str, alias: str) -> str | None:
        raise AssertionError(alias)

    def point(self, model_name: str, *, alias: str, version: str) -> None:
        raise AssertionError(alias)

    def version(self, model_name: str, version: str) -> StoredVersion:
        raise AssertionError(version)

    def find(self, bundle_sha256: str) -> StoredVersion | None:
        known = StoredVersion("model", "7", self.bundle.sha256)
        return known if bundle_sha256 == self.bundle.sha256 else None

    def fetch(self, model_name: str, version: str, target: Path) -> None:
        self.fetched.append(f"{model_name}/{version}")
        shutil.copytree(self.folder, target, dirs_exist_ok=True)


def fill(folder: Path) -> Bundle:
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    bundle = build_bundle({name: folder / name for name in NAMES})
    publish_json(folder / "bundle.json", bundle)
    return bundle


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store", fill(tmp_path / "store"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "ws")


def nothing_is_left(workspace: Workspace) -> bool:
    return not any(path.is_file() for path in workspace.root.rglob("*")) and not list(
        (workspace.root / "bundles").glob("*")
    )


def test_a_bundle_is_fetched_once(store: FolderStore, workspace: Workspace) -> None:
    opened = open_bundle(store.bundle.sha256, store=store, workspace=workspace)
    assert opened.folder == workspace.path(f"bundles/{store.bundle.sha256}")
    assert opened.sha256 == store.bundle.sha256
    assert opened.path("seen.json").read_text() == "seen.json"
    assert [path.name for path in opened.model()] == ["m.json", "m.safetensors"]
    assert open_bundle(store.bundle.sha256, store=store, workspace=workspace) == opened
    assert store.fetched == ["model/7"]


def test_a_bundle_of_an_earlier_version_is_refused(
    store: FolderStore, workspace: Workspace
) -> None:
    found = json.loads((store.folder / "bundle.json").read_bytes())
    del found["format"]
    (store.folder / "bundle.json").write_bytes(canonical_json(found))
    with pytest.raises(ArtifactError, match="earlier version, whose bundles name cases"):
        open_bundle(store.bundle.sha256, store=store, workspace=workspace)
    assert nothing_is_left(workspace)


def alter(folder: Path) -> None:
    (folder / "models/m.safetensors").write_text("other")


def lose(folder: Path) -> None:
    (folder / "seen.json").unlink()


def add(folder: Path) -> None:
    (folder / "models/extra.json").write_text("{}")


def link_out(folder: Path) -> None:
    (folder.parent / "outside.json").write_text("seen.json")
    (folder / "seen.json").unlink()
    (folder / "seen.json").symlink_to(folder.parent / "outside.json")


CHANGES = pytest.mark.parametrize(
    ("change", "told"),
    [
        (alter, r"models/m\.safetensors was altered"),
        (lose, r"seen\.json is missing"),
        (add, r"not of the bundle: models/extra\.json"),
        (lambda folder: (folder / "bundle.json").unlink(), r"bundle\.json: missing or damaged"),
        (lambda folder: (folder / "bundle.json").write_text("{"), r"missing or damaged"),
    ],
)


@CHANGES
def test_what_is_not_the_bundle_is_not_kept(
    change, told: str, store: FolderStore, workspace: Workspace
) -> None:
    change(store.folder)
    with pytest.raises(ArtifactError, match=told):
        open_bundle(store.bundle.sha256, store=store, workspace=workspace)
    assert nothing_is_left(workspace)


@CHANGES
def test_what_was_fetched_is_compared_each_time(
    change, told: str, store: FolderStore, workspace: Workspace
) -> None:
    opened = open_bundle(store.bundle.sha256, store=store, workspace=workspace)
    change(opened.folder)
    with pytest.raises(ArtifactError, match=told):
        open_bundle(store.bundle.sha256, store=store, workspace=workspace)


def test_a_link_that_leaves_the_folder_is_refused(store: FolderStore, workspace: Workspace) -> None:
    opened = open_bundle(store.bundle.sha256, store=store, workspace=workspace)
    link_out(opened.folder)
    with pytest.raises(ArtifactError, match=r"seen\.json: a symbolic link"):
        open_bundle(store.bundle.sha256, store=store, workspace=workspace)


def test_a_bundle_that_names_files_elsewhere_is_refused(
    store: FolderStore, workspace: Workspace
) -> None:
    (store.folder.parent / "secret.json").write_text("secret")
    store.bundle = build_bundle({"../../../store/../secret.json": store.folder / "seen.json"})
    publish_json(store.folder / "bundle.json", store.bundle)
    with pytest.raises(ArtifactError, match="lies outside"):
        open_bundle(store.bundle.sha256, store=store, workspace=workspace)
    assert nothing_is_left(workspace)


def test_another_bundle_under_the_digest_is_refused(
    store: FolderStore, workspace: Workspace
) -> None:
    asked = store.bundle.sha256
    (store.folder / "config.json").write_text("other")
    files = {name: store.folder / name for name in NAMES}
    publish_json(store.folder / "bundle.json", build_bundle(files))
    with pytest.raises(ArtifactError, match=f"and {asked} is asked for"):
        open_bundle(asked, store=store, workspace=workspace)
    assert nothing_is_left(workspace)


def test_an_unknown_bundle_is_told(store: FolderStore, workspace: Workspace) -> None:
    with pytest.raises(ArtifactError, match="neither in this workspace"):
        open_bundle("0" * 64, store=store, workspace=workspace)


def test_a_bundle_of_an_earlier_form_is_told(store: FolderStore, workspace: Workspace) -> None:
    opened = open_bundle(store.bundle.sha256, store=store, workspace=workspace)
    with pytest.raises(ArtifactError, match=r"has no splits\.json"):
        opened.path("splits.json")
    two = Bundle(files={**opened.bundle.files, "models/n.json": "0" * 64})
    with pytest.raises(ArtifactError, match="holds 2 models, not one"):
        type(opened)(opened.folder, two).model()


def test_what_is_swapped_after_it_was_verified_is_not_read(
    store: FolderStore, workspace: Workspace
) -> None:
    opened = open_bundle(store.bundle.sha256, store=store, workspace=workspace)
    name = sorted(opened.bundle.files)[0]
    good = opened.read(name)
    with private_copy(opened) as own:
        (opened.folder / name).unlink()
        (opened.folder / name).write_bytes(b"other")
        assert own.read(name) == (own.folder / name).read_bytes() == good
        assert verified(own.folder, sha256=opened.sha256) == own
    assert not own.folder.exists()
    with pytest.raises(ArtifactError, match="altered"):
        opened.read(name)
    with pytest.raises(ArtifactError, match="altered"), private_copy(opened):
        pass
