"""The quota of an overlay has room for what the shipped config asks for."""

from __future__ import annotations

import re

import pytest
import yaml

from shazam.config.cluster import ClusterConfig
from shazam.integrations.kubernetes.check_room import quota
from shazam.integrations.kubernetes.check_rows import State
from shazam.stages import SOURCE_ROOT
from tests.integrations.kubernetes.fake_api import CORE, Fake, cluster_of
from tests.k8s.manifests import named, needs_kubectl, rendered

pytestmark = needs_kubectl


@pytest.mark.parametrize("overlay", ["gpu", "airgapped"])
def test_as_many_gpu_steps_fit_at_once_as_there_are_gpus(overlay: str) -> None:
    shipped = (SOURCE_ROOT / "configs" / "k8s.cluster.yaml").read_text()
    config = ClusterConfig.model_validate(yaml.safe_load(shipped))
    own = named(rendered(f"overlays/{overlay}"), "ResourceQuota", "shazam")
    n_gpus = own["spec"]["hard"]["requests.nvidia.com/gpu"]
    with cluster_of(Fake(objects={f"{CORE}/resourcequotas": {"items": [own]}})) as cluster:
        (row,) = quota(cluster, config)
    assert row.state is State.OK
    assert re.findall(r"(\d+) at once", row.found) == [n_gpus] * 3
