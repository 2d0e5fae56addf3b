"""MLflow as a store: equal bundles are one version, aliases point, artifacts are plain files."""

import shutil
from dataclasses import replace

import pytest

from shazam.errors import ArtifactError, ConfigError
from shazam.integrations.environment import mlflow_uri
from shazam.integrations.mlflow import MlflowModelStore
from shazam.promotion import Registration, StoredVersion, build_bundle, open_bundle
from shazam.publish import publish_json
from shazam.workspace import Workspace

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # the library's own notices on import
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("mlflow")


@pytest.fixture(scope="module")
def store(folder):
    return MlflowModelStore(mlflow_uri(folder), artifacts=folder / "mlartifacts")


def registration(folder, digest):
    (folder / "model.json").write_text("{}")
    return Registration(
        model_name="model",
        bundle_sha256=digest * 64,
        files={"models/student.json": folder / "model.json"},
        extras={"report.html": folder / "model.json"},
        metrics={"student.harrell_c": 0.7},
        parameters={"candidate": "student"},
        tags={"shazam.gates": "passed"},
    )


def test_the_same_bundle_is_registered_once(store, folder):
    first = store.register(registration(folder, "a"))
    again = store.register(registration(folder, "a"))
    other = store.register(registration(folder, "b"))
    assert first.created
    assert not again.created
    assert first.version == again.version != other.version


def test_artifacts_keep_their_names_in_the_bundle(store, folder):
    store.register(registration(folder, "a"))
    names = {
        path.relative_to(folder / "mlartifacts").as_posix().split("/artifacts/")[1]
        for path in (folder / "mlartifacts").rglob("*")
        if path.is_file()
    }
    assert names == {"bundle/models/student.json", "shown/report.html"}


def test_an_alias_points_where_it_was_told(store, folder):
    made = store.register(registration(folder, "a"))
    assert store.alias("model", "champion") is None
    assert store.alias("absent", "champion") is None
    store.point("model", alias="champion", version=made.version)
    assert store.alias("model", "champion") == made.version


def test_an_alias_does_not_point_at_a_version_that_is_gone(store, folder):
    made = store.register(registration(folder, "d"))
    store._client.delete_model_version("model", made.version)
    with pytest.raises(ArtifactError, match="no longer in the model store, so 'previous' cannot"):
        store.point("model", alias="previous", version=made.version)
    store.point("model", alias="previous", version=None)


@pytest.fixture
def whole(folder, tmp_path):
    files = {}
    for name in ("config.json", "models/student.json"):
        files[name] = tmp_path / name
        files[name].parent.mkdir(parents=True, exist_ok=True)
        files[name].write_text(f"{tmp_path.name} {name}")
    bundle = build_bundle(files)
    publish_json(tmp_path / "bundle.json", bundle)
    asked = replace(
        registration(folder, "a"),
        bundle_sha256=bundle.sha256,
        files=files,
        extras={"report.html": tmp_path / "config.json", "bundle.json": tmp_path / "bundle.json"},
    )
    return bundle, asked


def test_a_registered_bundle_is_found_and_fetched_as_it_was(store, whole, tmp_path):
    bundle, asked = whole
    made = store.register(asked)
    found = store.find(bundle.sha256)
    assert found == StoredVersion("model", made.version, bundle.sha256)
    workspace = Workspace(tmp_path / "ws")
    opened = open_bundle(bundle.sha256, store=store, workspace=workspace)
    names = {p.relative_to(opened.folder).as_posix() for p in opened.folder.rglob("*.json")}
    assert names == {"bundle.json", "config.json", "models/student.json"}
    assert opened.bundle == bundle
    for path in opened.folder.rglob("*.json"):
        assert path.stat().st_nlink == 1  # what is fetched is no second name of the store's file


def test_a_version_is_named_by_its_number_or_an_alias(store, whole):
    bundle, asked = whole
    made = store.register(asked)
    store.point("model", alias="champion", version=made.version)
    expected = StoredVersion("model", made.version, bundle.sha256)
    assert store.version("model", made.version) == expected
    assert store.version("model", "champion") == expected
    with pytest.raises(ConfigError, match="no version and no alias 'absent'"):
        store.version("model", "absent")
    with pytest.raises(ConfigError, match="versions: none"):
        store.version("unknown", "1")
    assert store.find("0" * 64) is None


def test_files_that_the_store_lost_are_told(store, whole, folder, tmp_path):
    bundle, asked = whole
    made = store.register(asked)
    (lost,) = (
        path.parent
        for path in (folder / "mlartifacts").rglob("bundle.json")
        if path.read_bytes() == (tmp_path / "bundle.json").read_bytes()
    )
    shutil.rmtree(lost)
    with pytest.raises(ArtifactError, match=r"shown/bundle\.json cannot be fetched"):
        store.fetch("model", made.version, tmp_path / "target")
    workspace = Workspace(tmp_path / "ws")
    with pytest.raises(ArtifactError, match="cannot be fetched"):
        open_bundle(bundle.sha256, store=store, workspace=workspace)
    assert list((workspace.root / "bundles").glob("*")) == []


def test_bundles_of_all_versions_are_told(store, folder):
    for digest in "abc":
        store.register(registration(folder, digest))
    assert {digest * 64 for digest in "abc"} <= store.registered()
