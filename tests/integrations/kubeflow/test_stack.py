"""Stacks of Kubeflow as their file describes them, and what is refused before a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.training import training
from shazam.config.cluster import ClusterConfig
from shazam.errors import ConfigError
from shazam.integrations.kubeflow.registration import Kubeflow, kubeflow_configuration
from shazam.integrations.kubeflow.runs import on_kubeflow

IMAGE = "registry.example/shazam@sha256:" + "a" * 64


def test_a_host_is_taken_before_a_context():
    asked = Kubeflow(host="https://kubeflow.example/pipeline", user_namespace="team")
    assert kubeflow_configuration(asked, context="c") == {
        "kubeflow_namespace": "kubeflow",
        "kubeflow_hostname": "https://kubeflow.example/pipeline",
        "user_namespace": "team",
    }


def test_kubeflow_is_reached_through_its_cluster_where_no_host_is_given():
    assert kubeflow_configuration(Kubeflow(namespace="kfp"), context="c") == {
        "kubeflow_namespace": "kfp",
        "kubernetes_context": "c",
    }


def test_a_stack_whose_kubeflow_is_nowhere_is_refused():
    with pytest.raises(ConfigError, match="host of Kubeflow"):
        kubeflow_configuration(Kubeflow(), context=None)


def test_a_claim_that_is_mounted_twice_is_refused():
    claims = [{"name": "shazam-workspace", "path": "/slides"}]
    cluster = ClusterConfig.model_validate({"image": IMAGE, "claims": claims})
    with pytest.raises(ConfigError, match="shazam-workspace is mounted twice"):
        on_kubeflow(training, cluster, workspace=Path("/workspace"))
