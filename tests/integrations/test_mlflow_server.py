"""A real MLflow server that fails: nothing is made twice, nothing is half done, all is named."""

import threading
import time

import pytest

from shazam.errors import StoreAccessError, StoreError
from shazam.integrations.mlflow import MlflowModelStore
from shazam.promotion import Registration, build_bundle, open_bundle
from shazam.publish import publish_json
from shazam.workspace import Workspace
from tests.mlflow_server import ADMIN, PASSWORD, Fault, faulty, mlflow_server

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore"),  # the library's own notices on import
]


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    with mlflow_server(tmp_path_factory.mktemp("server")) as port:
        yield port


@pytest.fixture
def access(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", ADMIN)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2")


@pytest.fixture
def before(port, access):
    with faulty(port) as (uri, proxy):
        yield MlflowModelStore(uri, artifacts=None), proxy


def asked(tmp_path, model):
    path = tmp_path / "models" / "student.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'{{"of": "{model}"}}')
    files = {"models/student.json": path}
    bundle = build_bundle(files)
    publish_json(tmp_path / "bundle.json", bundle)
    return Registration(
        model_name=model,
        bundle_sha256=bundle.sha256,
        files=files,
        extras={"bundle.json": tmp_path / "bundle.json"},
        metrics={"student.harrell_c": 0.7},
        parameters={"candidate": "student"},
        tags={"shazam.gates": "passed"},
    )


def test_a_bundle_goes_to_the_server_and_comes_back(before, tmp_path):
    store, _ = before
    registration = asked(tmp_path, "round-trip")
    made = store.register(registration)
    opened = open_bundle(registration.bundle_sha256, store=store, workspace=Workspace(tmp_path))
    assert made.created
    assert opened.path("models/student.json").read_text() == '{"of": "round-trip"}'


@pytest.mark.parametrize("kind", ["500", "lost", "slow"])
@pytest.mark.parametrize(
    "path",
    ["runs/create", "registered-models/create", "model-versions/create", "runs/update"],
)
def test_a_failed_request_makes_no_version_twice(before, tmp_path, kind, path):
    store, proxy = before
    registration = asked(tmp_path, f"once-{kind}-{path.replace('/', '-')}")
    fault = Fault(kind, path)
    proxy.faults.append(fault)
    made = store.register(registration)
    again = store.register(registration)
    assert fault.seen == 1
    assert made.version == again.version == "1"
    assert store.versions(registration.model_name) == {"1": registration.bundle_sha256}


@pytest.mark.parametrize("kind", ["500", "lost", "slow"])
def test_an_alias_is_moved_in_spite_of_a_failed_request(before, tmp_path, kind):
    store, proxy = before
    made = store.register(asked(tmp_path, f"alias-{kind}"))
    proxy.faults.append(fault := Fault(kind, "registered-models/alias"))
    store.point(f"alias-{kind}", alias="champion", version=made.version)
    assert fault.seen == 1
    assert store.alias(f"alias-{kind}", "champion") == made.version
    store.point(f"alias-{kind}", alias="champion", version=None)
    store.point(f"alias-{kind}", alias="champion", version=None)
    assert store.alias(f"alias-{kind}", "champion") is None


def test_a_server_that_goes_on_failing_is_named(before, tmp_path):
    store, proxy = before
    proxy.faults.append(Fault("500", "model-versions/search", times=100))
    with pytest.raises(StoreError, match="failed to list versions"):
        store.register(asked(tmp_path, "failing"))


def test_access_that_expires_is_named_and_not_tried_again(before, tmp_path):
    store, proxy = before
    made = store.register(asked(tmp_path, "expired"))
    proxy.faults.append(fault := Fault("401", "registered-models/alias", times=100))
    with pytest.raises(StoreAccessError, match="MLFLOW_TRACKING_PASSWORD"):
        store.point("expired", alias="champion", version=made.version)
    assert fault.seen == 1
    fault.times = 0
    assert store.alias("expired", "champion") is None


def test_a_wrong_password_is_named(port, access, monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "not-the-password")
    with (
        faulty(port) as (uri, _),
        pytest.raises(StoreAccessError, match="MLFLOW_TRACKING_USERNAME"),
    ):
        MlflowModelStore(uri, artifacts=None).register(asked(tmp_path, "refused"))


def test_a_server_that_is_not_there_is_named_soon(access, tmp_path):
    start = time.monotonic()
    with pytest.raises(StoreError, match="model store"):
        MlflowModelStore("http://127.0.0.1:9", artifacts=None).alias("model", "champion")
    assert time.monotonic() - start < 30


def test_two_that_register_one_bundle_at_once_make_one_version(before, tmp_path):
    store, _ = before
    registration = asked(tmp_path, "at-once")
    barrier, made = threading.Barrier(2), []

    def register():
        barrier.wait()
        made.append(store.register(registration).version)

    threads = [threading.Thread(target=register) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 2
    assert len(store.versions("at-once")) == 1
    assert store.register(registration).version in store.versions("at-once")
