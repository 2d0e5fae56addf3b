"""`shazam stack check`: its exit codes, its rows and its JSON; and what a run refuses at once."""

from __future__ import annotations

import json

import pytest
import yaml

from shazam.config.cluster import ClusterConfig, is_placeholder
from shazam.errors import ConfigError
from shazam.stages import SOURCE_ROOT
from tests.command import shazam
from tests.integrations.kubernetes.fake_api import CORE, Fake, serving

K8S = SOURCE_ROOT / "configs" / "k8s.demo.yaml"


def kubeconfig(port: int) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
            "users": [{"name": "u", "user": {"token": "a-token"}}],
        }
    )


def test_a_wrong_config_and_one_without_a_cluster_end_with_45(tmp_path):
    plain = SOURCE_ROOT / "configs" / "demo.yaml"
    outcome = shazam("stack", "check", "-c", plain, "-w", tmp_path / "ws")
    assert outcome.code == 45
    assert "no section 'cluster'" in outcome.err
    wrong = shazam("stack", "check", "-c", K8S, "-w", tmp_path / "ws", "--set", "cluster.stack=A B")
    assert wrong.code == 45


def test_what_is_missing_ends_with_5_and_rows_go_on_without_a_zenml_server(tmp_path):
    (tmp_path / "config").write_text("")
    with serving(Fake(objects={"/version": {"gitVersion": "v1.33.0"}}, allowed=set())) as fake:
        fake.hide(f"{CORE}/secrets/shazam-mlflow")
        (tmp_path / "config").write_text(kubeconfig(fake.port))
        words = ("stack", "check", "-c", K8S, "-w", tmp_path / "ws")
        environment = {
            "KUBECONFIG": str(tmp_path / "config"),
            "MLFLOW_TRACKING_URI": "http://127.0.0.1:1",
        }
        outcome = shazam(*words, environment=environment)
        told = json.loads(shazam(*words, "--json", environment=environment).out)
        assert fake.asked[0][2]["authorization"] == "Bearer a-token"
    assert outcome.code == 5, outcome.text
    assert outcome.err == ""
    rows = {row["what"]: row for row in told["rows"]}
    assert told["ok"] is False
    assert rows["ZenML server"]["state"] == "missing"
    assert rows["stack shazam"]["state"] == "could not be asked"
    assert rows["Kubernetes API"]["state"] == "ok"
    assert rows["secret shazam-mlflow"]["state"] == "could not be asked"
    assert rows["cluster.image"]["state"] == "missing"
    assert all(row["fix"] for row in told["rows"] if row["state"] != "ok")
    lines = outcome.out.splitlines()
    assert "missing            claim shazam-workspace: there is none" in lines
    n_missing = sum(row["state"] == "missing" for row in told["rows"])
    n_unasked = sum(row["state"] == "could not be asked" for row in told["rows"])
    assert lines[-1] == (f"{len(rows)} looked at, {n_missing} missing, {n_unasked} not to be asked")


def test_without_a_cluster_the_rest_is_still_told(tmp_path):
    outcome = shazam(
        *("stack", "check", "-c", K8S, "-w", tmp_path / "ws", "--json"),
        environment={"KUBECONFIG": str(tmp_path / "absent")},
    )
    assert outcome.code == 5, outcome.text
    rows = {row["what"]: row for row in json.loads(outcome.out)["rows"]}
    assert list(rows) == [
        "ZenML server",
        "stack shazam",
        "Kubernetes API",
        "cluster.image",
        "MLflow server",
    ]
    assert rows["Kubernetes API"]["state"] == "missing"


@pytest.mark.parametrize("key", ["image", "slim_image"])
def test_a_run_with_the_placeholder_is_refused_with_advice(key):
    from shazam.integrations.placement import _refuse_placeholder

    images = {"image": "registry.invalid/shazam@sha256:" + "1" * 64}
    _refuse_placeholder(ClusterConfig.model_validate(images))
    images[key] = "registry.invalid/shazam@sha256:" + "0" * 64
    with pytest.raises(ConfigError, match=rf"cluster\.{key}.*run docker/build, and set cluster"):
        _refuse_placeholder(ClusterConfig.model_validate(images))


def test_the_shipped_config_holds_the_placeholder():
    shipped = yaml.safe_load((SOURCE_ROOT / "configs" / "k8s.cluster.yaml").read_text())
    assert is_placeholder(shipped["image"])
