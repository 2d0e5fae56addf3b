"""`shazam stack check`: its exit codes, its rows and its JSON; and what a run refuses at once."""

from __future__ import annotations

import json
from collections import Counter

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


def test_rows_are_told_with_their_fix_though_no_zenml_server_answers(tmp_path):
    with serving(Fake(objects={"/version": {"gitVersion": "v1.33.0"}}, allowed=set())) as fake:
        fake.hide(f"{CORE}/secrets/shazam-mlflow")
        (tmp_path / "config").write_text(kubeconfig(fake.port))
        outcome = shazam(
            *("stack", "check", "-c", K8S, "-w", tmp_path / "ws"),
            environment={
                "KUBECONFIG": str(tmp_path / "config"),
                "MLFLOW_TRACKING_URI": "http://127.0.0.1:1",
            },
        )
        assert fake.asked[0][2]["authorization"] == "Bearer a-token"
    assert outcome.code == 5, outcome.text
    assert outcome.err == ""
    *lines, last = outcome.out.splitlines()
    rows = [line for line in lines if not line.startswith(" ")]
    fixes = [line for line in lines if line.startswith(" " * 19 + "-> ")]
    states = Counter(line[:18].strip() for line in rows)
    assert set(states) == {"ok", "missing", "could not be asked"}
    assert len(fixes) == states["missing"] + states["could not be asked"]
    assert last == (
        f"{len(rows)} looked at, {states['missing']} missing, "
        f"{states['could not be asked']} not to be asked"
    )
    assert "missing            claim shazam-workspace: there is none" in rows
    assert [row for row in rows if row.startswith("ok                 Kubernetes API: http://")]
    assert [row for row in rows if row.startswith("could not be asked secret shazam-mlflow: ")]


def test_without_a_cluster_the_rest_is_still_told_to_programs(tmp_path):
    outcome = shazam(
        *("stack", "check", "-c", K8S, "-w", tmp_path / "ws", "--json"),
        environment={"KUBECONFIG": str(tmp_path / "absent")},
    )
    assert outcome.code == 5, outcome.text
    told = json.loads(outcome.out)
    assert told["ok"] is False
    rows = {row["what"]: row for row in told["rows"]}
    assert {what: row["state"] for what, row in rows.items()} == {
        "ZenML server": "missing",
        "stack shazam": "could not be asked",
        "Kubernetes API": "missing",
        "cluster.image": "missing",
        "MLflow server": "could not be asked",
    }
    assert all(row["fix"] for row in rows.values())


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
