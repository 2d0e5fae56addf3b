"""ZenML's own runner of graphs on a cluster in virtual time, and as it is in scaled time.

What may start, and how many at once, is decided by ZenML's ``DagRunner``. Stepped, its two loops
are replaced by one that goes from event to event, so that a run is the same each time; as it is,
the loops wait for a clock that goes faster.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from math import ceil

from zenml.orchestrators.dag_runner import DagRunner, Node, NodeStatus

from benchmarks.scale_cluster import Job, VirtualCluster

MONITORING_S = 3.0  # the Kubernetes orchestrator looks at jobs every 3 s
Graph = Mapping[str, Sequence[str]]
MakeJob = Callable[[str, float], Job]


class _AtOnce:
    """Does in place what the runner gives to a pool of threads."""

    def submit(self, work: Callable[..., object], *arguments: object) -> None:
        work(*arguments)


class SteppedRunner(DagRunner):
    """The runner with one loop in virtual time in place of two in real time."""

    def run_on(self, cluster: VirtualCluster) -> dict[str, NodeStatus]:
        """Run the graph; the clock is the cluster's."""
        self.startup_executor.shutdown()
        self.startup_executor = _AtOnce()  # type: ignore[assignment]  # all that is used of it
        self._initialize_startup_queue()
        while not self._process_nodes():
            steps = ceil(max(cluster.next_s() - cluster.now_s, 1e-9) / MONITORING_S)
            cluster.advance(cluster.now_s + steps * MONITORING_S)
            for node in self.running_nodes:
                node.status = self.node_monitoring_function(node)
        return {name: node.status for name, node in self.nodes.items()}


def run_stepped(
    graph: Graph, cluster: VirtualCluster, *, make_job: MakeJob, max_parallel: int | None
) -> None:
    """Run a graph in virtual time.

    Args:
        graph: for each step those before it.
        cluster: where its jobs run.
        make_job: returns the job of a step that is made at a time.
        max_parallel: steps that are started and not ended, at most.

    Raises:
        RuntimeError: a step did not end well.
    """

    def start(node: Node) -> NodeStatus:
        cluster.create(make_job(node.id, cluster.now_s))
        return NodeStatus.RUNNING

    runner = SteppedRunner(
        nodes=_nodes(graph),
        node_startup_function=start,
        node_monitoring_function=lambda node: _status(cluster, node),
        max_parallelism=max_parallel,
    )
    _refuse_failures(runner.run_on(cluster))


def run_scaled(
    graph: Graph,
    cluster: VirtualCluster,
    *,
    make_job: MakeJob,
    max_parallel: int | None,
    speed: float,
) -> None:
    """Run a graph with the runner as it is; arguments and errors as of :func:`run_stepped`.

    Args:
        graph: for each step those before it.
        cluster: where its jobs run.
        make_job: returns the job of a step that is made at a time.
        max_parallel: steps that are started and not ended, at most.
        speed: seconds of the cluster in one of the clock.
    """
    began, lock = time.monotonic(), threading.Lock()

    def start(node: Node) -> NodeStatus:
        with lock:
            cluster.advance((time.monotonic() - began) * speed)
            cluster.create(make_job(node.id, cluster.now_s))
        return NodeStatus.RUNNING

    def look(node: Node) -> NodeStatus:
        with lock:
            cluster.advance((time.monotonic() - began) * speed)
            return _status(cluster, node)

    runner = DagRunner(
        nodes=_nodes(graph),
        node_startup_function=start,
        node_monitoring_function=look,
        monitoring_interval=0.05,
        max_parallelism=max_parallel,
    )
    _refuse_failures(runner.run())


def _nodes(graph: Graph) -> list[Node]:
    return [Node(id=name, upstream_nodes=list(before)) for name, before in graph.items()]


def _status(cluster: VirtualCluster, node: Node) -> NodeStatus:
    ended = cluster.jobs[node.id].ended_s is not None
    return NodeStatus.COMPLETED if ended else NodeStatus.RUNNING


def _refuse_failures(statuses: Mapping[str, NodeStatus]) -> None:
    failed = [name for name, status in statuses.items() if status is not NodeStatus.COMPLETED]
    if failed:
        raise RuntimeError(f"steps did not end well: {', '.join(failed)}")
