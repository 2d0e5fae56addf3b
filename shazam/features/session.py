"""A session of extraction: batches in, feature files out, slide by slide."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from shazam.ahead import ahead
from shazam.errors import DecoderCrashedError, SlideError
from shazam.features.decoding import (
    ReaderDiedError,
    SlideTiles,
    TileBatch,
    TileDataset,
    check_shared_memory,
    decode,
    default_readers,
)
from shazam.features.encoding import (
    HalvingEncoder,
    Levels,
    encode_batch,
    encoding_threads,
)
from shazam.features.jobs import Job, Target, described
from shazam.features.order import in_grid_order, reading_order
from shazam.features.outcomes import STAGE, Outcomes
from shazam.features.plan import Plan, check_same_bytes
from shazam.features.store import write_features
from shazam.manifests import SlideFeatures
from shazam.owner import START_METHOD
from shazam.slidefiles import Stamp
from shazam.slides.quarantine import attempt
from shazam.slides.tiles import read_grid
from shazam.teachers.encoder import Encoder
from shazam.workspace import Workspace

_FIRST_WAIT_S = 0.5
_LONGEST_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Reading:
    """How tiles are read; on a CPU none of it changes the bytes.

    ``batch_size`` is tiles per forward, ``n_readers`` how many processes decode: None as many as
    suit the machine, 0 none but this one. ``start_method`` is how multiprocessing starts them.
    """

    batch_size: int = 32
    n_readers: int | None = None
    start_method: str = START_METHOD


class Session:
    """Works through a plan. Decoding, encoding and the check of a slide's bytes overlap.

    ``made`` holds, by teacher, the number of tiles of each slide that was made, and ``worked_s``
    the seconds of that, without waiting for other processes.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        encoders: Sequence[Encoder],
        *,
        reading: Reading,
        plan: Plan,
        outcomes: Outcomes,
        workspace: Workspace,
    ) -> None:
        self._jobs = jobs
        self._encoders = {e.identity.name: HalvingEncoder(e) for e in encoders}
        self._n_threads = encoding_threads(encoders)
        self._pinned = any(encoder.device_type == "cuda" for encoder in encoders)
        self._reading = reading
        self._n_readers = default_readers() if reading.n_readers is None else reading.n_readers
        self._plan = plan
        self._outcomes = outcomes
        self._workspace = workspace
        self._parts: dict[int, list[Mapping[str, Levels]]] = defaultdict(list)
        self._checks: dict[int, Future[Stamp]] = {}
        self.made: dict[str, list[int]] = defaultdict(list)
        self.worked_s = 0.0

    def run(self, *, note: Callable[[str], None]) -> None:
        """Extract until every slide has its outcome; ``note`` is told when it has to wait."""
        if self._plan.n_todo:
            check_shared_memory(
                n_readers=self._n_readers,
                n_encoding=self._n_threads,
                batch_bytes=self._batch_bytes(),
            )
        self._work()
        wait_s = _FIRST_WAIT_S
        while n_waiting := self._plan.n_elsewhere:
            if wait_s == _FIRST_WAIT_S:
                note(f"waiting for {n_waiting} slide(s) that another process has in hand")
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            self._plan.retry_elsewhere()
            self._work()

    def _work(self) -> None:
        """Do what the plan holds; after a crash the first slide in hand is tried alone.

        Which of the slides that were read ahead crashed its reader cannot be seen, so each is
        given the chance to crash a reader that reads nothing else.
        """
        alone = False
        began = time.monotonic()
        while self._plan.n_todo:
            try:
                self._pass(alone=alone)
                alone = False
            except ReaderDiedError as error:
                if alone:
                    self._set_aside_the_crashed(error)
                self._plan.put_back()
                self._parts.clear()
                alone = not alone
        self.worked_s += time.monotonic() - began

    def _pass(self, *, alone: bool) -> None:
        size = self._reading.batch_size
        slides = [SlideTiles(path=job.path, grid_path=job.grid_path) for job in self._jobs]
        batches = decode(
            TileDataset(slides, batch_size=size),
            self._plan.requests(only_first=alone),
            n_readers=1 if alone else self._n_readers,
            pinned=self._pinned,
            start_method=self._reading.start_method,
        )
        encoded = ahead(self._encode, batches, n_threads=self._n_threads)
        with _one_checker() as checker, closing(batches), closing(encoded):
            for batch, features in encoded:
                self._receive(batch, features, checker=checker)

    def _batch_bytes(self) -> int:
        tile_px = max((read_grid(job.grid_path).spec.tile_px for job in self._jobs[:1]), default=0)
        return self._reading.batch_size * tile_px * tile_px * 3

    def _encode(self, batch: TileBatch) -> Mapping[str, Levels]:
        wanted = [target.teacher for target in self._plan.wanted(batch.request.slide)]
        return encode_batch(batch, encoders=self._encoders, wanted=wanted)

    def _receive(
        self, batch: TileBatch, features: Mapping[str, Levels], *, checker: Executor
    ) -> None:
        number, start = batch.request
        if not self._plan.wanted(number):
            return  # set aside already
        if batch.error is not None:
            self._fail(number, batch.error)
            return
        if start == 0:
            self._checks[number] = checker.submit(check_same_bytes, self._jobs[number])
        self._parts[number].append(features)
        if start + self._reading.batch_size >= self._jobs[number].tiled.n_tiles:
            self._finish(number)

    def _finish(self, number: int) -> None:
        try:
            # what was read after the check began must be of the same bytes too
            check_same_bytes(self._jobs[number], since=self._checks.pop(number).result())
        except SlideError as error:
            self._fail(number, error)
            return
        job, parts = self._jobs[number], self._parts.pop(number)
        for target in self._plan.wanted(number):
            entry = attempt(
                partial(self._write, job, target, [part[target.teacher] for part in parts]),
                slide_id=job.tiled.slide.slide_id,
                slide_sha256=job.tiled.slide.sha256,
                stage=f"{STAGE}:{target.teacher}",
            )
            self._outcomes.add(number, target, entry)
            self.made[target.teacher].append(job.tiled.n_tiles)
        self._plan.done(number)

    def _write(self, job: Job, target: Target, parts: Sequence[Levels]) -> SlideFeatures:
        grid = read_grid(job.grid_path)
        order = reading_order(grid)
        levels = {
            level: in_grid_order(np.concatenate([part[level] for part in parts]), order)
            for level in parts[0]
        }
        sha256 = write_features(
            target.path, levels=levels, coords=grid.coords_level0, attrs=target.attrs
        )
        return described(job, target, sha256=sha256, workspace=self._workspace)

    def _fail(self, number: int, error: SlideError) -> None:
        self._outcomes.fail(number, error)
        self._parts.pop(number, None)
        self._checks.pop(number, None)
        self._plan.done(number)

    def _set_aside_the_crashed(self, error: ReaderDiedError) -> None:
        for number in self._plan.in_hand():
            self._fail(
                number,
                DecoderCrashedError(
                    f"the process that decoded it died ({error}); restore the file from its "
                    "source or remove the slide from the table"
                ),
            )


@contextmanager
def _one_checker() -> Iterator[Executor]:
    """Give a thread that checks slides; a run that stops does not wait for those in its queue."""
    checker = ThreadPoolExecutor(1, thread_name_prefix="check")
    try:
        yield checker
    finally:
        checker.shutdown(wait=True, cancel_futures=True)
