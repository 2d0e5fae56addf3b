"""Decoding: processes read tiles ahead, each through a handle of its own, while models work."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
import torch
from torch.multiprocessing import get_context
from torch.utils.data import DataLoader, Dataset

from shazam.errors import ConfigError, ShazamError, SlideError
from shazam.features.order import IntArray, reading_order
from shazam.owner import serve_the_owner
from shazam.slides.grid import TileGrid
from shazam.slides.reader import SlideReader, open_slide
from shazam.slides.tile_pixels import read_tile
from shazam.slides.tiles import read_grid

_BATCHES_AHEAD = 2
_MAX_READERS = 8
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (looked at, not written)
# so torch begins to tell of a death; an error raised in a reader begins in another way
_NEWS_OF_A_DEATH = "DataLoader worker (pid"


class ReaderDiedError(ShazamError):
    """A reading process ended in the middle of its work, as when a decoder crashes."""


class Request(NamedTuple):
    """A batch that is wanted: the slide's place in the list, and its first tile as read."""

    slide: int
    start: int


@dataclass(frozen=True, slots=True)
class SlideTiles:
    """Where the pixels of a slide and its tile grid lie."""

    path: Path
    grid_path: Path


@dataclass(frozen=True, slots=True)
class TileBatch:
    """Decoded tiles, uint8 ``[n_batch, tile_px, tile_px, 3]``, or what was wrong with the slide."""

    request: Request
    tiles: torch.Tensor | None
    error: SlideError | None = None

    def pin_memory(self) -> Self:
        """Return the batch in memory that a GPU copies from without waiting."""
        if self.tiles is None:
            return self
        return type(self)(self.request, self.tiles.pin_memory())


class _Open(NamedTuple):
    """The slide that is open, its tiles and the order in which they are read."""

    slide: int
    reader: SlideReader
    grid: TileGrid
    order: IntArray


class TileDataset(Dataset[TileBatch]):
    """Batches by request; the slide that was read last stays open."""

    def __init__(self, slides: Sequence[SlideTiles], *, batch_size: int) -> None:
        self._slides = tuple(slides)
        self._batch_size = batch_size
        self._open: _Open | None = None
        self._failed: tuple[int, SlideError] | None = None

    def __getitem__(self, request: Request) -> TileBatch:
        """Decode a batch; after a failure the rest of that slide is not tried."""
        if self._failed is not None and self._failed[0] == request.slide:
            return TileBatch(request, None, self._failed[1])
        try:
            return TileBatch(request, torch.from_numpy(self._read(request)))
        except SlideError as error:
            self._failed = (request.slide, error)
            return TileBatch(request, None, error)

    def close(self) -> None:
        """Close the slide that is open."""
        if self._open is not None:
            self._open.reader.close()
            self._open = None

    def _read(self, request: Request) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        _, reader, grid, order = self._opened(request.slide)
        places = order[request.start : request.start + self._batch_size]
        return np.stack(
            [
                read_tile(reader, x_level0=int(x), y_level0=int(y), spec=grid.spec)
                for x, y in grid.coords_level0[places]
            ]
        )

    def _opened(self, slide: int) -> _Open:
        if self._open is None or self._open.slide != slide:
            self.close()
            entry = self._slides[slide]
            grid = read_grid(entry.grid_path)
            self._open = _Open(slide, open_slide(entry.path), grid, reading_order(grid))
        return self._open


def decode(
    dataset: TileDataset,
    requests: Iterable[Request],
    *,
    n_readers: int,
    pinned: bool,
    start_method: str,
) -> Generator[TileBatch, None, None]:
    """Give the batches that are asked for, in order.

    Args:
        dataset: the slides.
        requests: drawn a few batches ahead of what was given, by this process.
        n_readers: reading processes; 0 reads in this process.
        pinned: put tiles into pinned memory, for a GPU.
        start_method: of multiprocessing.

    Raises:
        ReaderDiedError: a reading process crashed.
        ConfigError: the machine has too little shared memory.
    """
    loader: DataLoader[TileBatch] = DataLoader(
        dataset,
        batch_size=None,
        sampler=requests,
        num_workers=n_readers,
        prefetch_factor=_BATCHES_AHEAD if n_readers else None,
        multiprocessing_context=_context(start_method) if n_readers else None,
        worker_init_fn=_start_reader if n_readers else None,
        pin_memory=pinned,
    )
    with closing(dataset), _readers_ended():
        try:
            batches = _start(loader)  # kept until its readers have ended, for which it would wait
            yield from batches
        except (EOFError, ConnectionError) as error:  # died between the news and the tiles
            raise ReaderDiedError("it died while handing over tiles") from error
        except RuntimeError as error:
            if not str(error).startswith(_NEWS_OF_A_DEATH):
                raise
            raise ReaderDiedError(str(error)) from error


def check_shared_memory(*, n_readers: int, n_encoding: int, batch_bytes: int) -> None:
    """Compare the shared memory that readers need with what the machine has.

    Args:
        n_readers: reading processes; each has batches ahead and one in hand.
        n_encoding: batches that are encoded at a time; one more waits for them.
        batch_bytes: of one batch.

    Raises:
        ConfigError: there is too little; a reader would die of it.
    """
    if n_readers == 0 or not _SHARED_MEMORY.is_dir():
        return
    needed_bytes = (n_readers * (_BATCHES_AHEAD + 1) + n_encoding + 1) * batch_bytes
    free_bytes = shutil.disk_usage(_SHARED_MEMORY).free
    if needed_bytes > free_bytes:
        raise ConfigError(
            f"{n_readers} readers need {needed_bytes >> 20} MiB of shared memory, "
            f"{_SHARED_MEMORY} has {free_bytes >> 20} MiB free; give it more (a pod mounts an "
            "emptyDir of medium Memory there), or lower extraction.batch_size or extraction.readers"
        )


def default_readers() -> int:
    """Return how many reading processes suit this machine."""
    return min(len(os.sched_getaffinity(0)), _MAX_READERS)


def _context(start_method: str) -> object:
    context = get_context(start_method)
    if start_method == "forkserver":
        context.set_forkserver_preload([__name__])
    return context


def _start_reader(_number: int) -> None:
    serve_the_owner()


@contextmanager
def _readers_ended() -> Iterator[None]:
    """End the readers that are started inside, even one that hangs in a decoder or a file system.

    They do not answer a signal, and hold nothing that is worth waiting for.
    """
    before = set(multiprocessing.active_children())
    try:
        yield
    finally:
        for reader in set(multiprocessing.active_children()) - before:
            reader.kill()


def _start(loader: DataLoader[TileBatch]) -> Iterator[TileBatch]:
    """Start the readers without torch's handler of their deaths.

    That handler raises in whatever line the main thread is at, such as one that writes another
    slide's features. Without it a death is found when the next batch is waited for, within
    seconds.
    """
    if threading.current_thread() is not threading.main_thread():
        return iter(loader)
    before = signal.getsignal(signal.SIGCHLD)
    try:
        return iter(loader)
    finally:
        signal.signal(signal.SIGCHLD, before or signal.SIG_DFL)
