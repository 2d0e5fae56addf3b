"""Images, registries, ZenML and MLflow, as `shazam stack check` sees them from here."""

from __future__ import annotations

import socket

import pytest
import zenml
from zenml.exceptions import AuthorizationException

from shazam.errors import ConfigError
from shazam.integrations.kubernetes import check_servers
from shazam.integrations.kubernetes.check_image import images
from shazam.integrations.kubernetes.check_rows import State
from shazam.integrations.kubernetes.check_servers import (
    Place,
    mlflow_row,
    no_connection,
    zenml_rows,
)
from tests.integrations.kubernetes.conftest import DIGEST
from tests.integrations.kubernetes.fake_api import CORE, Fake, serving

MANIFEST = f"/v2/team/shazam/manifests/{DIGEST}"


@pytest.fixture
def registry():
    with serving(Fake(objects={MANIFEST: {}})) as found:
        yield found


def rows_of(cluster, config, image: str):
    asked = config.model_copy(update={"image": image})
    return {row.what: row for row in images(cluster, asked)}


def test_the_placeholder_is_no_image(cluster, config):
    zeros = "registry.invalid/shazam@sha256:" + "0" * 64
    found = rows_of(cluster, config.model_copy(update={"slim_image": zeros}), zeros)
    assert [(what, row.state) for what, row in found.items()] == [
        ("cluster.image", State.MISSING),
        ("cluster.slim_image", State.MISSING),
    ]
    assert "docker/build" in found["cluster.image"].fix
    assert "set cluster.slim_image" in found["cluster.slim_image"].fix


def test_an_image_is_there_absent_or_behind_a_login(cluster, config, registry):
    image = f"127.0.0.1:{registry.port}/team/shazam:1.0@{DIGEST}"
    assert rows_of(cluster, config, image)["pull of cluster.image"].state is State.OK
    assert registry.asked[-1][:2] == ("HEAD", MANIFEST)
    assert "application/vnd.oci.image.index.v1+json" in registry.asked[-1][2]["accept"]
    del registry.objects[MANIFEST]
    absent = rows_of(cluster, config, image)["pull of cluster.image"]
    assert (absent.state, absent.found) == (State.MISSING, "the registry has no such digest")
    registry.objects[MANIFEST] = 401
    login = rows_of(cluster, config, image)["pull of cluster.image"]
    assert (login.state, login.found) == (State.UNASKED, "the registry asks for a login")
    assert "image_pull_secrets (none is named)" in login.fix


def test_a_registry_that_gives_everyone_a_token_is_asked_with_it(
    cluster, config, registry, monkeypatch
):
    realm = f"http://127.0.0.1:{registry.port}/token"
    registry.headers["WWW-Authenticate"] = f'Bearer realm="{realm}",service="r",scope="pull"'
    registry.objects["/token"] = {"token": "for-all"}

    def answer(path, body):
        known = registry.asked[-1][2].get("authorization") == "Bearer for-all"
        return (200, registry.objects[path]) if known or path == "/token" else (401, {})

    monkeypatch.setattr(registry, "answer", answer)
    image = f"127.0.0.1:{registry.port}/team/shazam@{DIGEST}"
    assert rows_of(cluster, config, image)["pull of cluster.image"].state is State.OK
    registry.headers["WWW-Authenticate"] = 'Bearer realm="ftp://elsewhere/token"'
    assert rows_of(cluster, config, image)["pull of cluster.image"].state is State.UNASKED


def test_a_registry_that_is_not_reached_could_not_be_asked(cluster, config):
    row = rows_of(cluster, config, f"127.0.0.1:1/team/shazam@{DIGEST}")["pull of cluster.image"]
    assert row.state is State.UNASKED
    assert "cannot be reached from here" in row.found


def test_a_pod_that_cannot_pull_says_why(fake, cluster, config):
    waiting = {"reason": "ImagePullBackOff", "message": "pull access denied"}
    status = {"image": config.image, "state": {"waiting": waiting}}
    pod = {"metadata": {"name": "step-1"}, "status": {"containerStatuses": [status]}}
    fake.objects[f"{CORE}/pods"] = {"items": [pod]}
    row = rows_of(cluster, config, config.image)["pull of cluster.image"]
    assert row.state is State.MISSING
    assert row.found == "a pod waits for it: step-1: pull access denied"
    status["image"] = f"other@{DIGEST}"
    assert rows_of(cluster, config, config.image)["pull of cluster.image"].state is State.UNASKED


@pytest.mark.parametrize(
    ("image", "host", "path"),
    [
        (f"shazam@{DIGEST}", "registry-1.docker.io", f"library/shazam@{DIGEST}"),
        (f"team/shazam@{DIGEST}", "registry-1.docker.io", f"team/shazam@{DIGEST}"),
        (f"docker.io/team/shazam@{DIGEST}", "registry-1.docker.io", f"team/shazam@{DIGEST}"),
        (f"localhost:5000/a/b@{DIGEST}", "localhost:5000", f"a/b@{DIGEST}"),
    ],
)
def test_an_image_names_its_registry(image, host, path):
    from shazam.integrations.kubernetes.check_image import _place

    assert _place(image) == (host, path)


def test_mlflow_answers_is_absent_or_is_a_name_of_the_cluster(config, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def row_of(url):
        asked = config.model_copy(update={"env": {"MLFLOW_TRACKING_URI": url}})
        return mlflow_row(asked, settings={"MLFLOW_TRACKING_URI": "sqlite:///other.db"})

    with serving(Fake(objects={"/health": {}})) as server:
        url = f"http://127.0.0.1:{server.port}"
        assert row_of(url).state is State.OK
        server.objects["/health"] = 503
        broken = row_of(url)
    assert (broken.state, broken.found) == (State.MISSING, f"{url} answers 503")
    assert row_of("http://127.0.0.1:1").state is State.MISSING
    inner = row_of("http://shazam-mlflow.invalid:5000")
    assert inner.state is State.UNASKED
    assert "is no name here" in inner.found
    assert row_of("sqlite:///mlflow.db").state is State.MISSING


def test_mlflow_is_the_one_of_the_settings_where_the_config_names_none(config, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with serving(Fake(objects={"/health": {}})) as server:
        url = f"http://127.0.0.1:{server.port}"
        row = mlflow_row(config, settings={"MLFLOW_TRACKING_URI": url})
    assert (row.state, row.found) == (State.OK, url)
    unread = mlflow_row(config, settings={})
    assert unread.state is State.UNASKED
    assert "shazam-settings" in unread.found
    nowhere = mlflow_row(config.model_copy(update={"settings": None}), settings={})
    assert nowhere.state is State.MISSING
    assert "settings.yaml" in nowhere.fix


class _Component:
    def __init__(self, flavor: str) -> None:
        self.flavor_name = flavor
        self.configuration = {
            "kubernetes_namespace": "ward",
            "kubernetes_context": "c",
            "pass_zenml_token_as_secret": False,
        }


class _Stack:
    name = "shazam"

    def __init__(self, flavor: str) -> None:
        self.components = {"orchestrator": [_Component(flavor)]}


@pytest.fixture
def zenml_server(monkeypatch):
    info = {"version": zenml.__version__}
    with serving(Fake(objects={"/api/v1/info": info})) as server:
        monkeypatch.setenv("ZENML_STORE_URL", f"http://127.0.0.1:{server.port}")
        yield server


def test_the_stack_says_where_runs_go(config, zenml_server, monkeypatch):
    monkeypatch.setattr(check_servers, "_stack", lambda name: _Stack("kubernetes"))
    rows, place = zenml_rows(config)
    assert [row.state for row in rows] == [State.OK, State.OK]
    assert place == Place(namespace="ward", context="c", hides_token=False)
    monkeypatch.setattr(check_servers, "_stack", lambda name: _Stack("local"))
    rows, place = zenml_rows(config)
    assert rows[1].state is State.MISSING
    assert "'local'" in rows[1].found
    assert place == Place()


def test_a_stack_of_kubeflow_is_refused_in_one_line(config, zenml_server, monkeypatch):
    monkeypatch.setattr(check_servers, "_stack", lambda name: _Stack("shazam_kubeflow"))
    with pytest.raises(ConfigError) as caught:
        zenml_rows(config)
    assert caught.value.exit_code == 45
    assert "'shazam' runs steps on Kubeflow, of which `shazam stack check`" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "server", "stack", "fix"),
    [
        (KeyError("none"), State.OK, State.MISSING, "shazam stack register"),
        (AuthorizationException("no"), State.MISSING, State.UNASKED, "ZENML_STORE_API_KEY"),
        (RuntimeError("broken"), State.OK, State.UNASKED, "ZENML_STORE_API_KEY"),
    ],
)
def test_a_stack_is_absent_or_its_server_refuses(
    config, zenml_server, monkeypatch, error, server, stack, fix
):
    def refuse(name):
        raise error

    monkeypatch.setattr(check_servers, "_stack", refuse)
    rows, place = zenml_rows(config)
    assert [row.state for row in rows] == [server, stack]
    assert fix in next(row.fix for row in rows if row.fix)
    assert place == Place()


def test_a_stack_that_takes_too_long_could_not_be_asked(config, zenml_server, monkeypatch):
    import time

    monkeypatch.setattr(check_servers, "ZENML_S", 0.05)
    monkeypatch.setattr(check_servers, "_stack", lambda name: time.sleep(0.3))
    rows, _ = zenml_rows(config)
    assert [row.state for row in rows] == [State.OK, State.UNASKED]


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (500, "answers 500, which is no ZenML server's"),
        ({"some": "page"}, "answers 200, which is no ZenML server's"),
        ({"version": "0.1.0"}, "is 0.1.0, the client"),
    ],
)
def test_what_is_no_zenml_server_of_this_version_is_told(config, zenml_server, found, told):
    zenml_server.objects["/api/v1/info"] = found
    rows, _ = zenml_rows(config)
    assert rows[0].state is State.MISSING
    assert told in rows[0].found
    assert rows[1].state is State.UNASKED


def test_a_store_that_pods_do_not_reach_is_no_server(config, monkeypatch):
    monkeypatch.setenv("ZENML_STORE_URL", "sqlite:///zenml.db")
    rows, _ = zenml_rows(config)
    assert rows[0].state is State.MISSING
    assert "ZENML_STORE_URL" in rows[0].fix
    monkeypatch.setenv("ZENML_STORE_URL", "http://127.0.0.1:1")
    rows, _ = zenml_rows(config)
    assert rows[0].state is State.MISSING
    assert "127.0.0.1:1" in rows[0].found


def test_an_address_where_nothing_listens_is_told_at_once(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert no_connection(f"http://127.0.0.1:{port}") == ""
    assert "refused" in no_connection(f"http://127.0.0.1:{port}")
    assert no_connection("http://nowhere.invalid:8080") != ""
    assert no_connection("sqlite:////data/zenml.db") == ""  # of a file, not of a server
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:3128")
    assert no_connection("http://nowhere.invalid:8080") == ""
