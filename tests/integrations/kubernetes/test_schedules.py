"""Schedules are refused before anything is made, where they cannot work."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.retraining import retraining
from shazam.config.cluster import ClusterConfig
from shazam.errors import ConfigError
from shazam.integrations.kubernetes import schedules
from shazam.integrations.kubernetes.schedules import create_schedule
from shazam.stages import SOURCE_ROOT
from shazam.workspace import Workspace

CLUSTER = ClusterConfig(image="registry.example/shazam@sha256:" + "a" * 64)


@pytest.fixture
def placed(monkeypatch):
    """The arguments of pipelines that were placed, with a stack of Kubeflow."""
    seen = []
    kubeflow = SimpleNamespace(
        name="shazam", components={"orchestrator": [SimpleNamespace(flavor_name="shazam_kubeflow")]}
    )
    client = SimpleNamespace(get_stack=lambda name, **_: kubeflow)
    monkeypatch.setattr(schedules, "Client", lambda: client)
    monkeypatch.setattr(schedules, "schedules", lambda pipeline: ())
    monkeypatch.setattr(schedules, "placed_pipeline", lambda *given: seen.append(given))
    return seen


def create(config: Path, folder: Path) -> None:
    create_schedule(
        "weekly",
        pipeline=retraining,
        cron="15 2 * * 1",
        config=config,
        overrides=[],
        cluster=CLUSTER,
        workspace=Workspace(folder),
    )


def test_a_stack_of_kubeflow_is_refused_in_one_line(placed, tmp_path):
    with pytest.raises(ConfigError) as caught:
        create(SOURCE_ROOT / "configs" / "k8s.yaml", tmp_path)
    assert caught.value.exit_code == 45
    assert "'shazam' runs steps on Kubeflow, of which `shazam schedule`" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert placed == []


def test_a_config_that_no_pod_would_see_is_refused(placed, tmp_path):
    (tmp_path / "ws").mkdir()
    (tmp_path / "my.yaml").touch()
    with pytest.raises(ConfigError, match="no pod would see this file"):
        create(tmp_path / "my.yaml", tmp_path / "ws")
    assert placed == []
