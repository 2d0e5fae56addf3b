"""The configs for a cluster: ZenML can write them, and their teachers exist."""

from __future__ import annotations

import json

import pytest
from zenml.utils.json_utils import pydantic_encoder

from shazam.config import load_config
from shazam.stages import SOURCE_ROOT
from shazam.teachers.catalogue import shipped_catalogue

CONFIGS = ("k8s.yaml", "k8s.demo.yaml", "k8s.local.yaml")


@pytest.mark.parametrize("name", CONFIGS)
def test_a_config_with_claims_can_be_written_as_zenml_writes_parameters(name: str) -> None:
    config = load_config(SOURCE_ROOT / "configs" / name, environment={}).config
    written = json.loads(json.dumps({"config": config}, default=pydantic_encoder))
    paths = [claim["path"] for claim in written["config"]["cluster"]["claims"]]
    assert paths == ["/slides", "/weights"]
    assert type(config).model_validate(written["config"]) == config


def test_the_demo_is_the_same_on_a_small_node() -> None:
    here, there = (
        load_config(SOURCE_ROOT / "configs" / name, environment={}).config
        for name in ("k8s.local.yaml", "k8s.demo.yaml")
    )
    assert here.model_copy(update={"cluster": None}) == there.model_copy(update={"cluster": None})


def test_a_small_node_differs_in_what_pods_get_alone() -> None:
    here, there = (
        load_config(SOURCE_ROOT / "configs" / name, environment={}).config.cluster
        for name in ("k8s.local.yaml", "k8s.demo.yaml")
    )
    of_size = {"steps": here.steps, "max_parallel_steps": here.max_parallel_steps}
    others = {"gpu_tolerations": here.gpu_tolerations, "keep_finished_s": here.keep_finished_s}
    assert there.model_copy(update=of_size | others) == here


@pytest.mark.parametrize("name", CONFIGS)
def test_their_teachers_are_in_the_catalogue(name: str) -> None:
    config = load_config(SOURCE_ROOT / "configs" / name, environment={}).config
    for teacher in config.extracted().encoders():
        assert shipped_catalogue().entry(teacher).name == teacher
