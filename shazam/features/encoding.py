"""Encoding: several teachers over the same decoded tiles, a few batches at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch

from shazam.errors import DeviceMemoryError
from shazam.features.decoding import TileBatch
from shazam.features.stored_levels import Float16Array, to_half
from shazam.teachers.encoder import Encoder

Levels = dict[str, Float16Array]


class HalvingEncoder:
    """A teacher that goes on with half the batch when its device runs out of memory."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._limit: int | None = None

    def encode(self, tiles: npt.NDArray[np.uint8]) -> Levels:
        """Encode tiles, uint8 ``[n_tiles, height, width, 3]``, to float16 levels.

        Raises:
            DeviceMemoryError: there is no room for a single tile.
        """
        while True:
            size = min(self._limit or len(tiles), len(tiles))
            try:
                return self._in_parts(tiles, size)
            except torch.OutOfMemoryError as error:
                if size == 1:
                    raise DeviceMemoryError(
                        f"teacher '{self.encoder.identity.name}': the device has no room for one "
                        "tile; free it from other work, or use bfloat16, or a larger one"
                    ) from error
            torch.cuda.empty_cache()
            self._limit = size // 2

    def _in_parts(self, tiles: npt.NDArray[np.uint8], size: int) -> Levels:
        parts = [
            to_half(self.encoder.encode(tiles[start : start + size]))
            for start in range(0, len(tiles), size)
        ]
        return {level: np.concatenate([part[level] for part in parts]) for level in parts[0]}


def encode_batch(
    batch: TileBatch, *, encoders: Mapping[str, HalvingEncoder], wanted: Sequence[str]
) -> dict[str, Levels]:
    """Encode a batch with the wanted teachers; a batch that could not be decoded gives nothing."""
    if batch.tiles is None:
        return {}
    tiles = batch.tiles.numpy()
    return {name: encoders[name].encode(tiles) for name in wanted}


def encoding_threads(encoders: Iterable[Encoder]) -> int:
    """Return how many batches to encode at a time: one on a GPU, one for each core without."""
    if any(encoder.device_type != "cpu" for encoder in encoders):
        return 1
    return len(os.sched_getaffinity(0))


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Keep torch to one thread in each encoding thread.

    Batches side by side use the cores better than one forward spread over them, and the bytes do
    not depend on the number of cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
