"""The plan: which slide comes next, claimed for this process before its tiles are read."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from shazam.errors import SlideChangedError, SlideError, UnreadableSlideError
from shazam.features.claims import Claims
from shazam.features.decoding import Request
from shazam.features.jobs import Job, Target, kept
from shazam.features.outcomes import Outcomes
from shazam.publish import sweep
from shazam.slidefiles import Stamp, digest_of_slide, stamp_of_slide
from shazam.slides.records import check_unchanged
from shazam.workspace import Workspace


class Plan:
    """The slides that are still to do, in order; those that another process has in hand wait."""

    def __init__(
        self, jobs: Sequence[Job], *, outcomes: Outcomes, batch_size: int, workspace: Workspace
    ) -> None:
        self._jobs = jobs
        self._outcomes = outcomes
        self._batch_size = batch_size
        self._workspace = workspace
        self._claims = Claims()
        self._todo = deque(n for n in range(len(jobs)) if outcomes.missing(n))
        self._in_hand: dict[int, tuple[Target, ...]] = {}
        self._elsewhere: list[int] = []

    def requests(self, *, only_first: bool = False) -> Iterator[Request]:
        """Yield the batches of the slides to do, taking each slide in hand when it is reached.

        Args:
            only_first: stop after the first slide that could be taken.
        """
        while self._todo:
            number = self._todo.popleft()
            if self._take(number):
                n_tiles = self._jobs[number].tiled.n_tiles
                for start in range(0, n_tiles, self._batch_size):
                    if not self.wanted(number):
                        break  # set aside meanwhile
                    yield Request(number, start)
                if only_first:
                    return

    @property
    def n_todo(self) -> int:
        """Number of slides that are still to be taken in hand."""
        return len(self._todo)

    @property
    def n_elsewhere(self) -> int:
        """Number of slides that another process has in hand."""
        return len(self._elsewhere)

    def wanted(self, number: int) -> tuple[Target, ...]:
        """Return the files to make of a slide, none when it is not in hand."""
        return self._in_hand.get(number, ())

    def done(self, number: int) -> None:
        """Put a slide out of hand: its outcome is known."""
        self._claims.release(target.path for target in self._in_hand.pop(number))

    def put_back(self) -> None:
        """Put every slide in hand back to the front of what is to do."""
        for number in sorted(self._in_hand, reverse=True):
            self.done(number)
            self._todo.appendleft(number)

    def in_hand(self) -> tuple[int, ...]:
        """Return the slides in hand, in order."""
        return tuple(sorted(self._in_hand))

    def retry_elsewhere(self) -> None:
        """Bring back the slides that another process had in hand."""
        self._todo.extend(self._elsewhere)
        self._elsewhere.clear()

    def close(self) -> None:
        """Give up every claim."""
        self._claims.release_all()

    def _take(self, number: int) -> bool:
        targets = self._outcomes.missing(number)
        if not self._claims.take(target.path for target in targets):
            self._elsewhere.append(number)
            return False
        for target in targets:
            sweep(target.path)
        self._in_hand[number] = targets
        job = self._jobs[number]
        try:
            check_unchanged(job.path, size_bytes=job.tiled.slide.size_bytes)
        except SlideError as error:
            self._outcomes.fail(number, error)
        for target in self._outcomes.missing(number):
            entry = kept(job, target, workspace=self._workspace)
            if entry is not None:  # made by another process since the start
                self._outcomes.add(number, target, entry)
        self._in_hand[number] = self._outcomes.missing(number)
        if self._in_hand[number]:
            return True
        self._claims.release(target.path for target in targets)
        del self._in_hand[number]
        return False


def check_same_bytes(job: Job, *, since: Stamp | None = None) -> Stamp:
    """Read the slide's files and compare them with what was ingested.

    Args:
        job: the slide.
        since: what an earlier check returned; files that were not touched since are not read.

    Returns:
        What the files looked like before they were read.

    Raises:
        SlideChangedError: its bytes are others, so the features would be another slide's.
        UnreadableSlideError: a file can no longer be read.
    """
    check_unchanged(job.path, size_bytes=job.tiled.slide.size_bytes)
    try:
        stamp = stamp_of_slide(job.path)
        same = stamp == since or digest_of_slide(job.path) == job.tiled.slide.sha256
    except OSError as error:
        raise UnreadableSlideError(
            f"a file of the slide can no longer be read ({error.strerror}); restore it from its "
            "source or remove the slide from the table"
        ) from error
    if not same:
        raise SlideChangedError(
            "the file's bytes are not those that were ingested; ingest it again"
        )
    return stamp
