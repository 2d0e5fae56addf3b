"""Room on the disk: told before any work, and found out cleanly when it ends."""

import errno
import os
import subprocess

import pytest

from shazam.errors import DiskFullError
from shazam.features import disk
from shazam.features.disk import check_room, feature_bytes
from shazam.manifests import LevelDims
from tests.features.made import MeanColour, extracted, tiled
from tests.slides.made import make_slide, tissue_picture


@pytest.fixture
def tiles(tmp_path):
    folder = tmp_path / "slides"
    slides = [make_slide(folder, name, rgb=tissue_picture(seed=ord(name))) for name in "AB"]
    return tiled(slides, folder, tmp_path / "ws")


def test_the_estimate_covers_the_files_that_are_written(tiles, tmp_path):
    manifest = extracted(tiles, tmp_path / "slides", tmp_path / "ws", MeanColour())
    for entry in manifest.slides:
        estimate = feature_bytes(entry.n_tiles, MeanColour.identity.dims)
        assert (tmp_path / "ws" / entry.uri).stat().st_size <= estimate


def test_a_big_slide_takes_two_bytes_a_value():
    dims = LevelDims(low=1536, mid=1536, high=1536)
    assert feature_bytes(20_000, dims) == pytest.approx(20_000 * 3 * 1536 * 2, rel=0.01)


def test_work_that_does_not_fit_is_refused_before_it_starts(tiles, tmp_path, monkeypatch):
    free = disk.shutil.disk_usage(tmp_path)._replace(free=100)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: free)
    encoder = MeanColour()
    with pytest.raises(DiskFullError, match=r"0\.00 MiB are free; free some space"):
        extracted(tiles, tmp_path / "slides", tmp_path / "ws", encoder)
    assert encoder.n_tiles == 0
    assert not (tmp_path / "ws" / "features").exists()


def test_what_is_there_already_needs_no_room(tiles, tmp_path, monkeypatch):
    first = extracted(tiles, tmp_path / "slides", tmp_path / "ws", MeanColour())
    free = disk.shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: free)
    assert extracted(tiles, tmp_path / "slides", tmp_path / "ws", MeanColour()) == first


def test_room_is_asked_of_a_folder_that_is_yet_to_be_made(tmp_path):
    check_room([1, 2, 3], folder=tmp_path / "not" / "there")
    with pytest.raises(DiskFullError):
        check_room([1 << 62], folder=tmp_path / "not" / "there")


def test_a_disk_that_fills_up_stops_cleanly_and_keeps_what_is_whole(tiles, tmp_path, monkeypatch):
    written = []
    real = os.fsync

    def fail_on_second(handle):
        real(handle)
        written.append(handle)
        if len(written) == 5:  # the second slide's file: the first took two files and two folders
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shazam.publish.os.fsync", fail_on_second)
    with pytest.raises(DiskFullError, match=r"what was published before is kept"):
        extracted(tiles, tmp_path / "slides", tmp_path / "ws", MeanColour())
    monkeypatch.undo()
    left = sorted(p.name for p in (tmp_path / "ws" / "features").rglob("*") if p.is_file())
    assert left == ["A.h5", "A.h5.sha256"]
    again = MeanColour()
    extracted(tiles, tmp_path / "slides", tmp_path / "ws", again)
    assert again.n_tiles == tiles.slides[1].n_tiles


@pytest.mark.integration
def test_a_really_full_disk_leaves_nothing_half_written(tmp_path, monkeypatch):
    """A file system of 1 MiB in memory that fills up after the first look; mounting takes root."""
    monkeypatch.setattr("shazam.features.extract.check_room", lambda *_, **__: None)
    folder = tmp_path / "slides"
    slides = [make_slide(folder, name, rgb=tissue_picture(seed=ord(name))) for name in "AB"]
    small = tmp_path / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(small)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a file system is not allowed here")
    try:
        tiles = tiled(slides, folder, small)
        first = extracted(tiles, folder, small, MeanColour(name="first"))
        (small / "filler").write_bytes(bytes(_free(small) - 4096))
        with pytest.raises(DiskFullError):
            extracted(tiles, folder, small, MeanColour(name="second"))
        (small / "filler").unlink()
        assert not list((small / "features").rglob("*.tmp*"))
        assert extracted(tiles, folder, small, MeanColour(name="first")) == first
        extracted(tiles, folder, small, MeanColour(name="second"))
    finally:
        subprocess.run(["umount", str(small)], check=True)


def _free(folder):
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize
