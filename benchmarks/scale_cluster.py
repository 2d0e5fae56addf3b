"""A cluster in virtual time: jobs, a quota, pods that are stubs, and pods that are preempted.

Pods take time and do nothing. What is modelled is what decides when they run: the quota admits a
pod or refuses it, a refused one is tried again later and later, a preempted one is made anew.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

Amounts = Mapping[str, float]

# Kubernetes' job controller: it tries a refused pod again after 1 s, then twice as long, up to 60 s
FIRST_RETRY_S, LONGEST_RETRY_S = 1.0, 60.0
# and makes a pod that was lost anew after 10 s
RENEWAL_S = 10.0
_END, _LOSE, _TRY = 0, 1, 2  # at one time, room is made before it is taken


@dataclass(slots=True)
class Job:
    """One step. ``pieces_s`` are parts that stay done when its pod is lost: slides, say.

    Args:
        name: the step's.
        asked: what its pod takes of the quota.
        pieces_s: seconds of each part, in order.
        startup_s: seconds until a pod begins to work.
        created_s: when it was made.
    """

    name: str
    asked: Amounts
    pieces_s: Sequence[float]
    startup_s: float
    created_s: float
    n_done: int = 0
    began_s: float | None = None  # of the pod that runs
    first_s: float | None = None
    ended_s: float | None = None
    retry_s: float = FIRST_RETRY_S
    lost_s: list[float] = field(default_factory=list)

    @property
    def wait_s(self) -> float:
        """Seconds until its first pod was let in."""
        return (self.first_s or self.created_s) - self.created_s


@dataclass(slots=True)
class VirtualCluster:
    """Jobs in virtual time.

    Args:
        hard: the quota.
        losses_s: times at which a pod is preempted.
        victim: says which of the running jobs loses its pod, by name.
        on_start: told of a job when its pod is let in.
    """

    hard: Amounts
    losses_s: Sequence[float]
    victim: Callable[[Sequence[str]], str | None]
    on_start: Callable[[Job], None]
    now_s: float = 0.0
    jobs: dict[str, Job] = field(default_factory=dict)
    used: dict[str, float] = field(default_factory=dict)
    most_used: dict[str, float] = field(default_factory=dict)
    most_pods: int = 0
    busy_s: dict[str, float] = field(default_factory=dict)
    _events: list[tuple[float, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.used = dict.fromkeys(self.hard, 0.0)
        self.most_used, self.busy_s = dict(self.used), dict(self.used)
        for at_s in self.losses_s:
            heapq.heappush(self._events, (at_s, _LOSE, ""))

    def create(self, job: Job) -> None:
        """Make a job; its pod is tried at once.

        Raises:
            ValueError: the quota can never let it in.
        """
        if any(amount > self.hard.get(key, amount) for key, amount in job.asked.items()):
            raise ValueError(f"{job.name} asks for more than the quota")
        self.jobs[job.name] = job
        heapq.heappush(self._events, (self.now_s, _TRY, job.name))

    def next_s(self) -> float:
        """Return when something happens next."""
        return self._events[0][0]

    def advance(self, until_s: float) -> None:
        """Let all happen that happens until a time."""
        while self._events and self._events[0][0] <= until_s:
            at_s, kind, name = heapq.heappop(self._events)
            self.now_s = max(self.now_s, at_s)
            if kind == _TRY:
                self._try(self.jobs[name])
            elif kind == _END:
                self._end(self.jobs[name], at_s)
            else:
                self._lose()
        self.now_s = max(self.now_s, until_s)

    def _running(self) -> Iterator[Job]:
        return (job for job in self.jobs.values() if job.began_s is not None)

    def _try(self, job: Job) -> None:
        fits = all(
            self.used[key] + amount <= self.hard[key]
            for key, amount in job.asked.items()
            if key in self.hard
        )
        if not fits:
            heapq.heappush(self._events, (self.now_s + job.retry_s, _TRY, job.name))
            job.retry_s = min(LONGEST_RETRY_S, 2 * job.retry_s)
            return
        job.began_s, job.retry_s = self.now_s, FIRST_RETRY_S
        job.first_s = self.now_s if job.first_s is None else job.first_s
        self._take(job, 1)
        for key, amount in self.used.items():
            self.most_used[key] = max(self.most_used[key], amount)
        self.most_pods = max(self.most_pods, sum(1 for _ in self._running()))
        self.on_start(job)
        end_s = self.now_s + job.startup_s + sum(job.pieces_s[job.n_done :])
        heapq.heappush(self._events, (end_s, _END, job.name))

    def _end(self, job: Job, at_s: float) -> None:
        if job.began_s is None or at_s != self._end_s(job):
            return  # the end of a pod that was lost before
        self._stop(job)
        job.n_done, job.ended_s = len(job.pieces_s), self.now_s

    def _end_s(self, job: Job) -> float:
        began_s = 0.0 if job.began_s is None else job.began_s
        return began_s + job.startup_s + sum(job.pieces_s[job.n_done :])

    def _lose(self) -> None:
        name = self.victim(sorted(job.name for job in self._running()))
        if name is None:
            return
        job = self.jobs[name]
        worked_s = self.now_s - (job.began_s or 0.0) - job.startup_s
        ends_s = list(accumulate(job.pieces_s[job.n_done :]))
        n_whole = sum(end_s <= worked_s for end_s in ends_s)
        job.lost_s.append(max(0.0, worked_s - (ends_s[n_whole - 1] if n_whole else 0.0)))
        self._stop(job)
        job.n_done += n_whole
        heapq.heappush(self._events, (self.now_s + RENEWAL_S, _TRY, name))

    def _stop(self, job: Job) -> None:
        self._take(job, -1)
        took_s = self.now_s - (job.began_s or 0.0)
        for key, amount in job.asked.items():
            if key in self.busy_s:
                self.busy_s[key] += amount * took_s
        job.began_s = None

    def _take(self, job: Job, sign: int) -> None:
        for key, amount in job.asked.items():
            if key in self.used:
                self.used[key] += sign * amount
