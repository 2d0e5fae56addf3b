"""The quota of an overlay has room for what the shipped config asks for."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
import yaml
from kubernetes.utils.quantity import parse_quantity

from shazam.config.cluster import ClusterConfig, StepResources
from shazam.integrations.kubernetes.check_room import quota, steps_of
from shazam.integrations.kubernetes.check_rows import State
from shazam.stages import SOURCE_ROOT
from tests.integrations.kubernetes.fake_api import CORE, Fake, cluster_of
from tests.k8s.manifests import Manifest, named, needs_kubectl, pod_templates, rendered

pytestmark = needs_kubectl


@pytest.mark.parametrize("overlay", ["gpu", "airgapped"])
def test_as_many_gpu_steps_fit_at_once_as_there_are_gpus(overlay: str) -> None:
    config = _shipped("k8s.cluster.yaml")
    own = named(rendered(f"overlays/{overlay}"), "ResourceQuota", "shazam")
    n_gpus = own["spec"]["hard"]["requests.nvidia.com/gpu"]
    with cluster_of(Fake(objects={f"{CORE}/resourcequotas": {"items": [own]}})) as cluster:
        (row,) = quota(cluster, config)
    assert row.state is State.OK
    assert re.findall(r"(\d+) at once", row.found) == [n_gpus] * 3
    # a job that starts beyond the quota waits longer and longer between its tries
    assert str(config.max_parallel_steps) == n_gpus


RUNNING = ("k8s.cluster.yaml", "gpu"), ("k8s.cluster.yaml", "airgapped")


@pytest.mark.parametrize(("config", "overlay"), [*RUNNING, ("k8s.local.cluster.yaml", "local")])
def test_a_run_with_all_its_steps_at_once_fits_beside_who_submits_it(
    config: str, overlay: str
) -> None:
    cluster = _shipped(config)
    hard = named(rendered(f"overlays/{overlay}"), "ResourceQuota", "shazam")["spec"]["hard"]
    ((_, template),) = pod_templates(rendered("run"))
    submitting = _asked(template["spec"]["containers"][0]["resources"])
    orchestrator = _amounts(cluster.steps.orchestrator)
    assert cluster.max_parallel_steps is not None
    for name in ("extract", "train", "distill", "other"):
        step = _amounts(getattr(cluster.steps, name))
        for key in ("requests.cpu", "requests.memory", "limits.memory"):
            asked = submitting[key] + orchestrator[key] + cluster.max_parallel_steps * step[key]
            assert asked <= parse_quantity(hard[key]), (name, key)


def test_a_small_node_needs_no_gpu() -> None:
    steps = steps_of(_shipped("k8s.local.cluster.yaml"))
    assert {step.gpus for step in steps.values()} == {0}


def _shipped(name: str) -> ClusterConfig:
    text = (SOURCE_ROOT / "configs" / name).read_text()
    return ClusterConfig.model_validate(yaml.safe_load(text))


def _amounts(step: StepResources) -> dict[str, Decimal]:
    own = {"cpu": step.cpu, "memory": step.memory}
    return _asked({"requests": own, "limits": own})


def _asked(resources: Manifest) -> dict[str, Decimal]:
    return {
        f"{kind}.{key}": parse_quantity(resources[kind][key])
        for kind in ("requests", "limits")
        for key in ("cpu", "memory")
    }
