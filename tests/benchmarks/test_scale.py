"""The simulated cluster keeps its quota, loses at most a slide, and reduces what is whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.scale import Scenario, Simulation
from benchmarks.scale_cluster import Job, VirtualCluster
from benchmarks.scale_cohort import TEACHERS, Features, balance, made_tiles
from benchmarks.scale_graph import Wired, asked_of_quota, cluster_config, shipped_quota
from shazam.errors import ArtifactError

SCENARIO = Scenario()
GPU = "requests.nvidia.com/gpu"


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return cluster_config(tmp_path_factory.mktemp("scale"), teachers=TEACHERS, n_shards=8)


@pytest.fixture(scope="module")
def graph(config):
    """The part of the pipeline around extraction; the whole is compiled in the benchmark."""
    parts = {part.name: Wired("extract", ("tile",)) for part in config.extracted().parts()}
    reduce = Wired("validate_features", ("tile", *parts))
    return {"tile": Wired("tile", ()), **parts, "validate_features": reduce}


@pytest.mark.parametrize("n_losses", [0, 20])
def test_a_run_keeps_the_quota_and_reduces_what_is_whole(config, graph, n_losses):
    scenario = replace(SCENARIO, n_losses=n_losses)
    simulation = Simulation(scenario, config, graph)
    found = simulation.run()
    assert found == Simulation(scenario, config, graph).run()
    assert (found.n_before_reduce, found.n_joined) == (40, 5 * 1000)
    cluster = simulation.cluster
    assert all(cluster.most_used[key] <= most for key, most in cluster.hard.items())
    assert found.most_gpus == 8
    assert all(amount == 0 for amount in cluster.used.values())
    assert found.ideal_h < found.extraction_h < 1.3 * found.ideal_h
    assert len(found.lost_h) == n_losses
    assert all(0 <= lost_h <= found.longest_slide_h for lost_h in found.lost_h)


def test_gpus_are_busy_for_the_work_the_starts_and_what_is_done_again(config, graph):
    simulation = Simulation(replace(SCENARIO, n_losses=20), config, graph)
    found = simulation.run()
    busy_h = simulation.cluster.busy_s[GPU] / 3600
    work_h = found.ideal_h * 8 + sum(found.lost_h)
    most_starts = 40 + len(found.lost_h)
    assert work_h + 40 * 90 / 3600 <= busy_h <= work_h + most_starts * 90 / 3600


def test_as_many_steps_at_once_as_gpus_let_none_wait(config, graph):
    waited = Simulation(SCENARIO, config, graph).run()
    assert max(waited.waits_h) > 0
    as_many = Simulation(replace(SCENARIO, max_parallel=8), config, graph).run()
    assert max(as_many.waits_h) == 0
    assert as_many.extraction_h <= 1.01 * waited.extraction_h


def test_shards_of_a_thousand_slides_are_balanced():
    largest = []
    for seed in range(20):
        tiles = made_tiles(1000, seed=seed)
        counts = np.array([one.n_tiles for one in tiles.slides])
        assert counts.mean() == pytest.approx(4000, rel=0.1)
        own = Features(tiles, _extraction())
        largest.append(balance({part.name: own.pieces_s(part) for part in _extraction().parts()}))
    assert all(1 <= one < 1.4 for one in largest)
    assert np.mean(largest) < 1.25


def _extraction():
    from shazam.config.extraction import ExtractionConfig

    return ExtractionConfig(teachers=("uni_v2", "virchow2"), grouping="per_teacher", shards=8)


def test_the_reduce_refuses_what_is_not_whole():
    features = Features(made_tiles(50, seed=0), _extraction())
    for part in _extraction().parts():
        features.publish(part.name, n_done=len(features.slides(part)))
    assert len(features.joined().features[0]) == 50
    step = _extraction().parts()[3].name
    features.publish(step, n_done=len(features.slides(features.part(step))) - 1)
    with pytest.raises(ArtifactError, match="1 slide"):
        features.joined()


def cluster(*, losses_s=(), hard=1.0, started=None):
    seen = [] if started is None else started
    return VirtualCluster(
        hard={GPU: hard},
        losses_s=losses_s,
        victim=lambda names: next(iter(names), None),
        on_start=lambda job: seen.append(job.name),
    )


def job(name="a", pieces_s=(10.0, 10.0, 10.0), gpus=1.0):
    return Job(name, {GPU: gpus}, pieces_s, startup_s=5.0, created_s=0.0)


def test_a_preempted_pod_goes_on_after_the_last_slide_that_was_whole():
    one = cluster(losses_s=[28.0])  # 5 s of start, two slides, 3 s of the third
    one.create(job())
    one.advance(1000)
    found = one.jobs["a"]
    assert found.lost_s == [3.0]
    assert found.ended_s == 28 + 10 + 5 + 10  # made anew, started, and one slide
    assert one.busy_s[GPU] == 28 + 15


def test_a_pod_that_is_preempted_while_it_starts_loses_no_work():
    one = cluster(losses_s=[2.0])
    one.create(job())
    one.advance(1000)
    assert one.jobs["a"].lost_s == [0.0]
    assert one.jobs["a"].ended_s == 2 + 10 + 5 + 30


def test_a_refused_pod_is_tried_again_later_and_later():
    started: list[str] = []
    one = cluster(started=started)
    one.create(job("a", pieces_s=(85.0,)))
    one.create(job("b"))
    one.advance(89)
    assert (started, one.next_s()) == (["a"], 90)
    one.advance(1000)
    assert started == ["a", "b"]
    assert one.jobs["b"].wait_s == 1 + 2 + 4 + 8 + 16 + 32 + 60


def test_what_the_quota_can_never_let_in_is_refused():
    with pytest.raises(ValueError, match="more than the quota"):
        cluster().create(job(gpus=2.0))


def test_requests_and_quota_are_the_shipped_ones(config):
    asked = asked_of_quota(config.cluster, "extract")
    assert (asked["requests.cpu"], asked[GPU], asked["pods"]) == (8.0, 1.0, 1.0)
    assert asked["limits.memory"] == 32 * 2**30
    assert asked_of_quota(config.cluster, "train_clinical")[GPU] == 0
    hard = shipped_quota(8, cluster=config.cluster)
    assert hard[GPU] == 8
    assert hard["requests.cpu"] == 80 - 0.5
    assert shipped_quota(64, cluster=config.cluster)[GPU] == 64
