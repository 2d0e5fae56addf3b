"""The section on a cluster: what it refuses, and that it changes no result."""

import json

import pytest
from pydantic import ValidationError

from shazam.config import load_config
from shazam.config.cluster import ClusterConfig
from shazam.digest import digest_of
from shazam.stages import SOURCE_ROOT

IMAGE = "registry.example/shazam@sha256:" + "a" * 64
K8S = SOURCE_ROOT / "configs" / "k8s.demo.yaml"


@pytest.mark.parametrize(
    "image",
    [
        "registry.example/shazam:latest",
        "registry.example/shazam",
        f"{IMAGE[:-1]}",
        "@sha256:" + "a",
    ],
)
def test_an_image_is_named_by_its_digest(image):
    with pytest.raises(ValidationError, match="image"):
        ClusterConfig(image=image)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HF_TOKEN", "hf_x"),
        ("MLFLOW_TRACKING_PASSWORD", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("zenml_store_api_key", "x"),
        ("LEDGER", "postgresql://shazam:hunter2@db/ledger"),
    ],
)
def test_a_secret_does_not_stand_in_the_config(name, value):
    with pytest.raises(ValidationError, match="looks like a secret"):
        ClusterConfig(image=IMAGE, env={name: value})


def test_a_plain_variable_may_hold_an_address():
    uri = "http://shazam-mlflow:5000"
    assert ClusterConfig(image=IMAGE, env={"MLFLOW_TRACKING_URI": uri}).env == {
        "MLFLOW_TRACKING_URI": uri
    }


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ({"env": {"A": "1"}, "secrets": [{"variable": "A", "secret": "s", "key": "k"}]}, "A twice"),
        ({"claims": [{"name": "a", "path": "slides"}]}, "absolute path"),
        ({"claims": [{"name": "a", "path": "/x/../y"}]}, "absolute path"),
        ({"claims": [{"name": n, "path": "/slides"} for n in "ab"]}, "one path"),
        ({"steps": {"other": {"cpu": "lots", "memory": "1Gi", "deadline_s": 60}}}, "cpu"),
        ({"steps": {"other": {"cpu": "1.5Ti", "memory": "1Gi", "deadline_s": 60}}}, "cpu"),
        ({"step_account": "Not_A_Name"}, "step_account"),
        ({"hostPath": "/data"}, "hostPath"),
    ],
)
def test_what_a_cluster_would_refuse_is_refused_here(section, told):
    with pytest.raises(ValidationError, match=told):
        ClusterConfig.model_validate({"image": IMAGE, **section})


def test_where_a_run_takes_place_changes_no_digest():
    here = load_config(SOURCE_ROOT / "configs" / "demo.yaml", environment={}).config
    there = load_config(K8S, overrides=[f"cluster.image={IMAGE}"], environment={}).config
    assert there.cluster is not None
    assert there.cluster.image == IMAGE
    assert digest_of(there.asked()) == digest_of(here.asked())


def test_the_section_can_be_a_parameter_of_a_pipeline():
    cluster = load_config(K8S, overrides=[f"cluster.image={IMAGE}"], environment={}).config.cluster
    assert cluster is not None
    assert cluster.claims
    assert ClusterConfig.model_validate_json(json.dumps(cluster.model_dump())) == cluster
