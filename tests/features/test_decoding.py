"""Decoding: batches by request, in order, and what readers need."""

import multiprocessing
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from shazam.errors import ConfigError, UnreadableSlideError
from shazam.features import decoding
from shazam.features.decoding import (
    Request,
    SlideTiles,
    TileDataset,
    check_shared_memory,
    decode,
)
from shazam.slides.reader import open_slide
from shazam.slides.tile_pixels import read_tile
from shazam.slides.tiles import read_grid
from tests.features.made import tiled
from tests.slides.made import make_slide, tissue_picture


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    root = tmp_path_factory.mktemp("decoding")
    made = [
        make_slide(root / "slides", name, mpp=mpp, n_levels=n_levels, rgb=tissue_picture(seed=seed))
        for seed, (name, mpp, n_levels) in enumerate([("A", 0.5, 1), ("B", 0.25, 2)])
    ]
    tiles = tiled(made, root / "slides", root / "ws")
    return [
        SlideTiles(path=root / "slides" / t.slide.path, grid_path=root / "ws" / t.uri)
        for t in tiles.slides
    ]


def requests(slides, size):
    return [
        Request(number, start)
        for number, slide in enumerate(slides)
        for start in range(0, read_grid(slide.grid_path).n_tiles, size)
    ]


def decoded(slides, *, size=5, n_readers=0):
    dataset = TileDataset(slides, batch_size=size)
    asked = requests(slides, size)
    return list(
        decode(dataset, asked, n_readers=n_readers, pinned=False, start_method="forkserver")
    )


@pytest.mark.parametrize("n_readers", [0, 2])
def test_batches_come_in_order_with_the_tiles_that_were_asked_for(slides, n_readers):
    batches = decoded(slides, n_readers=n_readers)
    assert [batch.request for batch in batches] == requests(slides, 5)
    assert [len(batch.tiles) for batch in batches] == [5, 5, 2, 2]
    grid = read_grid(slides[0].grid_path)
    with open_slide(slides[0].path) as reader:
        x, y = (int(value) for value in grid.coords_level0[7])
        expected = read_tile(reader, x_level0=x, y_level0=y, spec=grid.spec)
    assert np.array_equal(batches[1].tiles[2].numpy(), expected)


def test_tiles_have_one_size_whatever_the_level(slides):
    assert {batch.tiles.shape[1:] for batch in decoded(slides)} == {(224, 224, 3)}


def test_after_a_failure_the_rest_of_a_slide_is_not_tried(slides, monkeypatch):
    calls = []

    def broken(reader, **where):
        calls.append(where)
        raise UnreadableSlideError("no such tile")

    monkeypatch.setattr(decoding, "read_tile", broken)
    batches = decoded(slides)
    assert all(isinstance(batch.error, UnreadableSlideError) for batch in batches)
    assert len(calls) == len(slides)


def test_an_error_in_a_reader_is_no_death_of_it(slides, monkeypatch):
    def faulty(reader, **where):
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(decoding, "read_tile", faulty)
    dataset = TileDataset(slides, batch_size=5)
    asked = requests(slides, 5)
    batches = decode(dataset, asked, n_readers=1, pinned=False, start_method="fork")
    with pytest.raises(RuntimeError, match="no such kernel"):
        next(batches)


def test_closing_does_not_wait_for_a_reader_that_hangs(slides, monkeypatch):
    calls = []

    def hang(reader, **where):
        calls.append(where)
        time.sleep(0 if len(calls) <= 5 else 600)
        return read_tile(reader, **where)

    monkeypatch.setattr(decoding, "read_tile", hang)
    dataset = TileDataset(slides, batch_size=5)
    asked = requests(slides, 5)
    batches = decode(dataset, asked, n_readers=1, pinned=False, start_method="fork")
    assert next(batches).request == asked[0]
    start_s = time.monotonic()
    batches.close()
    assert time.monotonic() - start_s < 4
    assert multiprocessing.active_children() == []


def test_too_little_shared_memory_is_told_before_a_reader_dies_of_it(monkeypatch):
    small = shutil.disk_usage("/")._replace(free=64 << 20)
    monkeypatch.setattr(decoding.shutil, "disk_usage", lambda _: small)
    check_shared_memory(n_readers=2, n_encoding=2, batch_bytes=1 << 20)
    with pytest.raises(ConfigError, match=r"8 readers need 104 MiB of shared memory.*64 MiB free"):
        check_shared_memory(n_readers=8, n_encoding=1, batch_bytes=4 << 20)
    with pytest.raises(ConfigError, match="1 readers need"):
        check_shared_memory(n_readers=1, n_encoding=32, batch_bytes=4 << 20)
    check_shared_memory(n_readers=0, n_encoding=2, batch_bytes=1 << 40)


OWNER = """
import os, signal, sys
from shazam.features.decoding import Request, SlideTiles, TileDataset, decode
from pathlib import Path
if __name__ == "__main__":
    slide = SlideTiles(path=Path(sys.argv[1]), grid_path=Path(sys.argv[2]))
    dataset = TileDataset([slide], batch_size=5)
    asked = (Request(0, 0) for _ in range(1000))
    batches = decode(dataset, asked, n_readers=2, pinned=False, start_method="forkserver")
    next(batches)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_readers_end_when_their_owner_is_killed(slides, tmp_path):
    """They hold the owner's standard output, so its end is their end."""
    script = tmp_path / "owner.py"
    script.write_text(OWNER)
    command = [sys.executable, script, slides[0].path, slides[0].grid_path]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
