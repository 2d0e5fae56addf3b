"""Encoding: halved batches when memory ends, order kept when batches overlap."""

import threading
import time

import numpy as np
import pytest
import torch

from shazam.ahead import ahead
from shazam.errors import DeviceMemoryError
from shazam.features.encoding import HalvingEncoder, encoding_threads, one_thread_each
from tests.features.made import MeanColour


class Small(MeanColour):
    """A device that holds only so many tiles."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room
        self.sizes: list[int] = []

    def encode(self, tiles):
        self.sizes.append(len(tiles))
        if len(tiles) > self.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().encode(tiles)


def pictures(n_tiles: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (n_tiles, 8, 8, 3), np.uint8)


@pytest.mark.parametrize("room", [1, 3, 5, 16])
def test_a_batch_that_does_not_fit_is_halved_until_it_does(room):
    tiles = pictures(16)
    small = Small(room)
    found = HalvingEncoder(small).encode(tiles)
    whole = HalvingEncoder(MeanColour()).encode(tiles)
    assert found["high"].dtype == np.float16
    assert all(np.array_equal(found[level], whole[level]) for level in whole)


def test_the_size_that_fits_is_remembered():
    small = Small(4)
    encoder = HalvingEncoder(small)
    encoder.encode(pictures(16))
    small.sizes.clear()
    encoder.encode(pictures(16))
    assert small.sizes == [4, 4, 4, 4]


def test_a_device_without_room_for_one_tile_is_named():
    with pytest.raises(DeviceMemoryError, match=r"teacher 'mean_colour'.*one tile"):
        HalvingEncoder(Small(0)).encode(pictures(4))


def test_other_errors_of_a_device_are_not_mistaken_for_a_lack_of_memory():
    class Broken(MeanColour):
        def encode(self, tiles):
            raise RuntimeError("no kernel")

    with pytest.raises(RuntimeError, match="no kernel"):
        HalvingEncoder(Broken()).encode(pictures(4))


def test_results_come_in_order_though_later_ones_finish_first():
    def work(number: int) -> int:
        time.sleep(0.02 if number % 3 == 0 else 0.0)
        return number * number

    found = list(ahead(work, range(20), n_threads=3))
    assert found == [(number, number * number) for number in range(20)]


def test_items_are_drawn_only_a_few_ahead():
    drawn: list[int] = []

    def items():
        for number in range(100):
            drawn.append(number)
            yield number

    results = ahead(lambda number: number, items(), n_threads=2)
    for _ in range(5):
        next(results)
    assert len(drawn) <= 5 + 3
    results.close()


def test_closing_waits_for_what_is_in_work():
    busy = threading.Event()
    finished = threading.Event()

    def work(_number: int) -> None:
        busy.set()
        time.sleep(0.05)
        finished.set()

    results = ahead(work, range(3), n_threads=1)
    next(results)
    results.close()
    assert finished.is_set()


def test_a_gpu_gets_one_batch_at_a_time():
    on_gpu = MeanColour()
    on_gpu.device_type = "cuda"
    assert encoding_threads([on_gpu, MeanColour()]) == 1
    assert encoding_threads([MeanColour()]) >= 1


def test_the_number_of_threads_is_put_back():
    before = torch.get_num_threads()
    with one_thread_each():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
