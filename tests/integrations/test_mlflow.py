"""MLflow as a store: equal bundles are one version, aliases point, artifacts are plain files."""

import pytest

from shazam.integrations.environment import mlflow_uri
from shazam.integrations.mlflow import MlflowModelStore
from shazam.promotion import Registration

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
