"""A run of 1,000 slides, 5 teachers and 8 shards on a cluster whose pods are stubs.

Real are the graph, as ZenML compiles it from our pipeline, ZenML's rule of what may start, the
shipped requests and quota, the rule of shards, and the join of the teachers' features. Time is
virtual. Seconds of a slide are those that `shazam plan` assumes for an A100.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.rows import Bound, Row
from benchmarks.scale_cluster import Job, VirtualCluster
from benchmarks.scale_cohort import STARTUP_S, TEACHERS, Features, balance, made_tiles, other_s
from benchmarks.scale_graph import (
    Wired,
    asked_of_quota,
    cluster_config,
    compiled_graph,
    shipped_quota,
)
from benchmarks.scale_runner import run_scaled, run_stepped
from shazam.config import Config
from shazam.integrations.environment import prepare_environment, quieten
from shazam.workspace import Workspace

NAME = "scale"
_REDUCE = "validate_features"
_HOUR_S = 3600.0
LARGE = 30_000
LARGE_TEACHERS = ("uni_v2", "virchow2", "hoptimus0")  # those of configs/k8s.yaml


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is simulated. ``n_losses`` pods of extraction are preempted, at times by the seed."""

    n_slides: int = 1000
    teachers: tuple[str, ...] = TEACHERS
    n_shards: int = 8
    n_gpus: int = 8
    n_losses: int = 0
    max_parallel: int | None = 16
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a simulated run went, in hours; extraction is from its first pod to its last.

    Args:
        extraction_h: its makespan.
        ideal_h: its work over the GPUs.
        run_h: makespan of the run.
        balance: the largest shard's work over the mean shard's.
        most_pods: at once.
        most_gpus: at once.
        waits_h: of each step for the quota.
        lost_h: work of each preempted pod that is done again.
        longest_slide_h: the slide that takes longest.
        n_before_reduce: extraction steps that had ended when the reduce step began.
        n_joined: feature files that the reduce step saw.
    """

    extraction_h: float
    ideal_h: float
    run_h: float
    balance: float
    most_pods: int
    most_gpus: int
    waits_h: tuple[float, ...]
    lost_h: tuple[float, ...]
    longest_slide_h: float
    n_before_reduce: int
    n_joined: int


class Simulation:
    """One run on one cluster."""

    def __init__(self, scenario: Scenario, config: Config, graph: Mapping[str, Wired]) -> None:
        if config.cluster is None:
            raise ValueError("the config describes no cluster")
        self._scenario, self._graph, self._config = scenario, graph, config.cluster
        tiles = made_tiles(scenario.n_slides, seed=scenario.seed)
        self._features = Features(tiles, config.extracted())
        self._pieces_s = {
            part.name: self._features.pieces_s(part) for part in config.extracted().parts()
        }
        self._gpu = f"requests.{config.cluster.gpu_resource}"
        self._n_before_reduce = self._n_joined = 0
        rng = np.random.default_rng(scenario.seed)
        span_s = self._work_s() / scenario.n_gpus
        losses = np.sort(rng.uniform(0.1, 0.9, size=scenario.n_losses)) * span_s
        began_s = sum(self._other_s(step) for step in ("ingest", "validate", "tile"))
        self.cluster = VirtualCluster(
            hard=shipped_quota(scenario.n_gpus, cluster=config.cluster),
            losses_s=[began_s + float(at_s) for at_s in losses],
            victim=lambda names: self._victim(names, rng),
            on_start=self._looked_at,
        )

    def run(self, *, speed: float | None = None) -> Outcome:
        """Run it, stepped; or with the runner as it is, so many times faster than the clock."""
        before = {name: step.before for name, step in self._graph.items()}
        most = self._scenario.max_parallel
        if speed is None:
            run_stepped(before, self.cluster, make_job=self._job, max_parallel=most)
        else:
            run_scaled(before, self.cluster, make_job=self._job, max_parallel=most, speed=speed)
        return self._outcome()

    def _job(self, step: str, now_s: float) -> Job:
        pieces_s = self._pieces_s.get(step)
        return Job(
            name=step,
            asked=asked_of_quota(self._config, self._graph[step].function),
            pieces_s=(self._other_s(step),) if pieces_s is None else pieces_s,
            startup_s=STARTUP_S["other" if pieces_s is None else "extract"],
            created_s=now_s,
        )

    def _other_s(self, step: str) -> float:
        return other_s(step, n_slides=self._scenario.n_slides)

    def _work_s(self) -> float:
        return sum(sum(own) for own in self._pieces_s.values())

    def _victim(self, names: Sequence[str], rng: np.random.Generator) -> str | None:
        running = [name for name in names if name in self._pieces_s]
        return str(rng.choice(running)) if running else None

    def _looked_at(self, job: Job) -> None:
        if job.name != _REDUCE:
            return
        for step in self._pieces_s:
            own = self.cluster.jobs[step]
            self._features.publish(step, n_done=own.n_done)
            self._n_before_reduce += own.ended_s is not None
        self._n_joined = sum(map(len, self._features.joined().features))

    def _outcome(self) -> Outcome:
        jobs = self.cluster.jobs
        own = [jobs[step] for step in self._pieces_s]
        began_s = min(job.first_s or 0.0 for job in own)
        ended_s = max(job.ended_s or 0.0 for job in own)
        return Outcome(
            extraction_h=(ended_s - began_s) / _HOUR_S,
            ideal_h=self._work_s() / self._scenario.n_gpus / _HOUR_S,
            run_h=max(job.ended_s or 0.0 for job in jobs.values()) / _HOUR_S,
            balance=balance(self._pieces_s),
            most_pods=self.cluster.most_pods,
            most_gpus=round(self.cluster.most_used[self._gpu]),
            waits_h=tuple(job.wait_s / _HOUR_S for job in jobs.values()),
            lost_h=tuple(lost_s / _HOUR_S for job in jobs.values() for lost_s in job.lost_s),
            longest_slide_h=max(max(own) for own in self._pieces_s.values()) / _HOUR_S,
            n_before_reduce=self._n_before_reduce,
            n_joined=self._n_joined,
        )


def is_asked(only: str | None) -> bool:
    """Tell whether ``--only`` asks for it: always as a whole, or not at all."""
    return only is None or only.startswith(NAME)


def measure(base: Scenario | None = None, *, speed: float = 400.0) -> Iterator[Row]:
    """Simulate, and give every row.

    Args:
        base: what is simulated first.
        speed: of the run with ZenML's runner as it is.
    """
    base = base or Scenario()
    with tempfile.TemporaryDirectory() as name:
        prepare_environment(Workspace(Path(name)))
        config = cluster_config(Path(name), teachers=base.teachers, n_shards=base.n_shards)
        graph = compiled_graph(config)
        quieten()
        quiet = _run(base, config, graph)
        yield _makespan("extraction on 8 GPUs, makespan", quiet, target=1.25)
        as_many = replace(base, max_parallel=base.n_gpus)
        found = _run(as_many, config, graph)
        yield _makespan("the same, steps at once as many as GPUs", found, target=1.25)
        lossy = replace(base, n_losses=20)
        lost = _run(lossy, config, graph)
        yield _makespan("the same, 20 pods preempted", lost, target=1.3)
        yield _lost(lost)
        yield _reduce(lost, scenario=lossy)
        wide = replace(base, n_gpus=64, max_parallel=64)
        yield _makespan("the same on 64 GPUs", _run(wide, config, graph), target=4.0)
        finer = cluster_config(Path(name), teachers=base.teachers, n_shards=32)
        found = _run(replace(wide, n_shards=32), finer, compiled_graph(finer))
        yield _makespan("the same on 64 GPUs, 32 shards", found, target=1.5)
        yield from _large(base, Path(name))
        real = Simulation(base, config, graph).run(speed=speed)
        yield _as_it_is(real, quiet)


def _large(base: Scenario, folder: Path) -> Iterator[Row]:
    """Yield the rows of docs/scale.md: what `shazam plan` tells, and when it would be done."""
    for n_gpus, n_shards in ((8, 8), (64, 128)):
        scenario = Scenario(LARGE, LARGE_TEACHERS, n_shards, n_gpus, 0, n_gpus, base.seed)
        config = cluster_config(folder, teachers=LARGE_TEACHERS, n_shards=n_shards)
        found = _run(scenario, config, compiled_graph(config))
        what = f"{LARGE:,} slides, 3 teachers, {n_shards} shards on {n_gpus} GPUs"
        yield _makespan(what, found, target=1.25)


def _run(scenario: Scenario, config: Config, graph: Mapping[str, Wired]) -> Outcome:
    return Simulation(scenario, config, graph).run()


def _makespan(what: str, found: Outcome, target: float) -> Row:
    waits = sorted(found.waits_h)
    return Row(
        f"{NAME}: {what}",
        "its work, by what `shazam plan` assumes, over the GPUs",
        found.extraction_h / found.ideal_h,
        Bound.AT_MOST,
        target,
        {
            "extraction_h": found.extraction_h,
            "ideal_h": found.ideal_h,
            "run_h": found.run_h,
            "largest_shard_over_mean": found.balance,
            "most_pods": found.most_pods,
            "most_gpus": found.most_gpus,
            "n_steps": len(waits),
            "n_waited": sum(wait_h > 0 for wait_h in waits),
            "longest_wait_h": waits[-1],
        },
    )


def _lost(found: Outcome) -> Row:
    return Row(
        f"{NAME}: work that a preempted pod does again",
        "the slide that takes longest",
        max(found.lost_h) / found.longest_slide_h,
        Bound.AT_MOST,
        1.0,
        {
            "n_preempted": len(found.lost_h),
            "lost_h": sum(found.lost_h),
            "longest_slide_h": found.longest_slide_h,
        },
    )


def _reduce(found: Outcome, *, scenario: Scenario) -> Row:
    n_parts, n_teachers = len(scenario.teachers) * scenario.n_shards, len(scenario.teachers)
    return Row(
        f"{NAME}: feature files that the reduce step sees",
        "slides times teachers",
        found.n_joined / (scenario.n_slides * n_teachers),
        Bound.AT_LEAST,
        1.0,
        {"n_files": found.n_joined, "n_ended": found.n_before_reduce, "n_parts": n_parts},
    )


def _as_it_is(found: Outcome, stepped: Outcome) -> Row:
    return Row(
        f"{NAME}: extraction with ZenML's runner as it is, its threads and its clock",
        "the same runner, stepped through events",
        found.extraction_h / stepped.extraction_h,
        Bound.AT_MOST,
        1.1,
        {
            "extraction_h": found.extraction_h,
            "stepped_h": stepped.extraction_h,
            "n_files": found.n_joined,
            "n_ended": found.n_before_reduce,
        },
    )
