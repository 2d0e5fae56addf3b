"""A session: tiles decoded once for all teachers, by processes, next to other sessions."""

import errno
import os
import shutil
import signal
import threading
import time

import pytest
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from shazam.errors import UnreadableSlideError
from shazam.features import plan
from shazam.features import session as module
from shazam.features.claims import Claims
from shazam.features.decoding import TileBatch, TileDataset
from shazam.features.extract import extract_slides
from shazam.features.plan import check_same_bytes
from shazam.features.session import Reading
from shazam.features.shards import Shard
from shazam.slidefiles import digest_of_slide
from shazam.slides.tile_pixels import read_tile
from shazam.workspace import Workspace
from tests.features.made import MeanColour, extracted, extracted_by, tiled
from tests.slides.made import make_slide, record, silent, tissue_picture

IN_THIS_PROCESS = Reading(batch_size=5, n_readers=0)
READ_TILE = "shazam.features.decoding.read_tile"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("session") / "slides"
    for name in "ABCD":
        make_slide(folder, name, rgb=tissue_picture(seed=ord(name)))
    return folder


@pytest.fixture
def tiles(folder, tmp_path):
    return tiled([record(path) for path in sorted(folder.glob("*.tiff"))], folder, tmp_path)


def contents(root):
    return {p.relative_to(root): p.read_bytes() for p in (root / "features").rglob("*.h5")}


def test_each_tile_is_decoded_once_for_all_teachers(tiles, folder, tmp_path, monkeypatch):
    decoded = []

    def counted(reader, **where):
        decoded.append(where)
        return read_tile(reader, **where)

    monkeypatch.setattr(READ_TILE, counted)
    teachers = [MeanColour(name=name) for name in ("one", "two", "three")]
    manifests = extracted_by(teachers, tiles, folder, tmp_path, IN_THIS_PROCESS)
    n_tiles = sum(slide.n_tiles for slide in tiles.slides)
    assert len(decoded) == n_tiles
    assert [teacher.n_tiles for teacher in teachers] == [n_tiles] * 3
    assert [manifest.teacher.name for manifest in manifests] == ["one", "two", "three"]


def test_teachers_together_give_the_bytes_of_each_alone(tiles, folder, tmp_path):
    teachers = [MeanColour(name=name) for name in ("one", "two")]
    together = extracted_by(teachers, tiles, folder, tmp_path, IN_THIS_PROCESS)
    before = contents(tmp_path)
    for path in (tmp_path / "features").rglob("*.h5"):
        path.unlink()
    alone = tuple(extracted(tiles, folder, tmp_path, teacher) for teacher in teachers)
    assert alone == together
    assert contents(tmp_path) == before


def test_only_the_teacher_that_lacks_a_slide_runs_on_it(tiles, folder, tmp_path):
    extracted(tiles, folder, tmp_path, MeanColour(name="one"))
    one, two = MeanColour(name="one"), MeanColour(name="two")
    extracted_by([one, two], tiles, folder, tmp_path, IN_THIS_PROCESS)
    assert one.n_tiles == 0
    assert two.n_tiles == sum(slide.n_tiles for slide in tiles.slides)


def test_a_teacher_with_bad_features_costs_the_others_nothing(tiles, folder, tmp_path):
    teachers = [MeanColour(name="good"), MeanColour(name="bad", poisoned=True)]
    good, bad = extracted_by(teachers, tiles, folder, tmp_path, IN_THIS_PROCESS)
    assert len(good.slides) == len(tiles.slides)
    assert good.quarantine == bad.slides == ()
    assert {(e.stage, e.reason) for e in bad.quarantine} == {("extract:bad", "bad_features")}


def test_reading_processes_give_the_same_bytes(tiles, folder, tmp_path):
    extracted(tiles, folder, tmp_path, MeanColour())
    before = contents(tmp_path)
    for path in (tmp_path / "features").rglob("*.h5"):
        path.unlink()
    (manifest,) = extracted_by([MeanColour()], tiles, folder, tmp_path, Reading(3, n_readers=2))
    assert contents(tmp_path) == before
    assert [entry.slide_id for entry in manifest.slides] == list("ABCD")


def test_an_unreadable_slide_in_the_middle_is_set_aside_by_reading_processes(
    tiles, folder, tmp_path
):
    path = folder / "B.tiff"
    content = path.read_bytes()
    harmed = bytearray(content)
    harmed[len(content) // 2 : len(content) // 2 + 4000] = bytes(4000)
    path.write_bytes(harmed)
    try:
        (manifest,) = extracted_by([MeanColour()], tiles, folder, tmp_path, Reading(3, 2))
    finally:
        path.write_bytes(content)
    assert [entry.slide_id for entry in manifest.slides] == list("ACD")
    assert [(e.slide_id, e.reason) for e in manifest.quarantine] == [("B", "unreadable")]


def test_the_rest_of_a_slide_that_was_set_aside_is_not_read(tiles, folder, tmp_path, monkeypatch):
    asked = []

    class Asked(TileDataset):
        def __getitem__(self, request):
            asked.append(request)
            if request.slide == 1:
                return TileBatch(request, None, UnreadableSlideError("no such tile"))
            return super().__getitem__(request)

    monkeypatch.setattr(module, "TileDataset", Asked)
    monkeypatch.setattr(module, "encoding_threads", lambda _: 1)
    manifest = extracted(tiles, folder, tmp_path, MeanColour(), batch_size=1)
    assert [entry.slide_id for entry in manifest.slides] == list("ACD")
    assert sum(request.slide == 1 for request in asked) <= 3  # of 12 batches


@pytest.mark.parametrize("victims", ["B", "AD"])
def test_a_slide_that_crashes_the_decoder_is_set_aside_and_the_rest_goes_on(
    tiles, folder, tmp_path, monkeypatch, victims
):
    def crash(reader, **where):
        if reader._path.stem in victims:
            os.kill(os.getpid(), signal.SIGSEGV)
        return read_tile(reader, **where)

    monkeypatch.setattr(READ_TILE, crash)
    looks_each_s = (0.2,)
    monkeypatch.setattr(_MultiProcessingDataLoaderIter._try_get_data, "__defaults__", looks_each_s)
    reading = Reading(5, n_readers=2, start_method="fork")  # so that readers see the patch
    (manifest,) = extracted_by([MeanColour()], tiles, folder, tmp_path, reading)
    assert [entry.slide_id for entry in manifest.slides] == sorted(set("ABCD") - set(victims))
    assert [(e.slide_id, e.reason) for e in manifest.quarantine] == [
        (name, "decoder_crashed") for name in victims
    ]


def test_a_slide_that_changes_while_it_is_read_gives_no_features(tiles, folder, tmp_path):
    """The size stays, so only its bytes tell."""
    path = folder / "C.tiff"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        manifest = extracted(tiles, folder, tmp_path, MeanColour())
    finally:
        path.write_bytes(content)
    assert [(e.slide_id, e.reason) for e in manifest.quarantine] == [("C", "changed_during_run")]
    assert "C" not in {path.stem for path in (tmp_path / "features").rglob("*.h5")}


def test_bytes_that_change_after_their_digest_was_taken_are_found(
    tiles, folder, tmp_path, monkeypatch
):
    path = folder / "C.tiff"
    content = path.read_bytes()

    def check_and_change(job, *, since=None):
        stamp = check_same_bytes(job, since=since)
        if since is None and job.path == path:
            path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        return stamp

    monkeypatch.setattr(module, "check_same_bytes", check_and_change)
    try:
        manifest = extracted(tiles, folder, tmp_path, MeanColour())
    finally:
        path.write_bytes(content)
    assert [(e.slide_id, e.reason) for e in manifest.quarantine] == [("C", "changed_during_run")]


def test_a_file_that_is_only_touched_is_not_set_aside(tiles, folder, tmp_path, monkeypatch):
    def check_and_touch(job, *, since=None):
        stamp = check_same_bytes(job, since=since)
        os.utime(job.path, ns=(1, 1) if since is None else (2, 2))
        return stamp

    monkeypatch.setattr(module, "check_same_bytes", check_and_touch)
    assert len(extracted(tiles, folder, tmp_path, MeanColour()).slides) == 4


def test_a_file_that_can_no_longer_be_read_costs_its_slide_only(
    tiles, folder, tmp_path, monkeypatch
):
    def digest(path):
        if path.stem == "B":
            raise OSError(errno.EIO, "Input/output error")
        return digest_of_slide(path)

    monkeypatch.setattr(plan, "digest_of_slide", digest)
    manifest = extracted(tiles, folder, tmp_path, MeanColour())
    assert [entry.slide_id for entry in manifest.slides] == list("ACD")
    assert [(e.slide_id, e.reason) for e in manifest.quarantine] == [("B", "unreadable")]


def test_shards_together_make_the_whole(tiles, folder, tmp_path):
    parts = [
        extract_slides(
            tiles,
            slides_dir=folder,
            encoders=[MeanColour()],
            workspace=Workspace(tmp_path),
            progress=silent("extract"),
            reading=IN_THIS_PROCESS,
            shard=Shard(index, 3),
        )[0]
        for index in range(3)
    ]
    found = [entry.slide_id for part in parts for entry in part.slides]
    assert sorted(found) == list("ABCD")


def test_what_is_all_there_needs_no_shared_memory(tiles, folder, tmp_path, monkeypatch):
    first = extracted(tiles, folder, tmp_path, MeanColour())
    none = shutil.disk_usage("/")._replace(free=0)
    monkeypatch.setattr("shazam.features.decoding.shutil.disk_usage", lambda _: none)
    monkeypatch.setattr("shazam.features.extract.check_room", lambda *_, **__: None)
    assert extracted_by([MeanColour()], tiles, folder, tmp_path, Reading(5, n_readers=2)) == (
        first,
    )


def test_a_slide_that_another_process_has_in_hand_is_waited_for(
    tiles, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "_FIRST_WAIT_S", 0.01)
    first = extracted(tiles, folder, tmp_path, MeanColour())
    target = tmp_path / first.slides[1].uri
    content = target.read_bytes()
    target.unlink()
    other = Claims()
    assert other.take([target])

    def finish_elsewhere():
        time.sleep(0.1)
        target.write_bytes(content)
        other.release_all()

    elsewhere = threading.Thread(target=finish_elsewhere)
    elsewhere.start()
    again = MeanColour()
    assert extracted(tiles, folder, tmp_path, again) == first
    elsewhere.join()
    assert again.n_tiles == 0  # the other's file was taken


def test_a_slide_whose_owner_gave_up_is_taken_over(tiles, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FIRST_WAIT_S", 0.01)
    first = extracted(tiles, folder, tmp_path, MeanColour())
    target = tmp_path / first.slides[0].uri
    target.unlink()
    other = Claims()
    assert other.take([target])
    gives_up = threading.Timer(0.1, other.release_all)
    gives_up.start()
    again = MeanColour()
    assert extracted(tiles, folder, tmp_path, again) == first
    gives_up.join()
    assert again.n_tiles == first.slides[0].n_tiles


def test_nothing_stays_claimed_or_open_after_a_failure(tiles, folder, tmp_path):
    class Broken(MeanColour):
        def encode(self, tiles):
            raise RuntimeError("no kernel")

    with pytest.raises(RuntimeError, match="no kernel"):
        extracted(tiles, folder, tmp_path, Broken())
    assert list(tmp_path.rglob("*.lock")) == []
    assert len(extracted(tiles, folder, tmp_path, MeanColour()).slides) == 4


@pytest.mark.parametrize(("change", "kept"), [("other bytes", "ABD"), ("touched", "ABCD")])
def test_a_slide_that_changes_after_its_bytes_were_compared_gives_no_features(
    tiles, folder, tmp_path, monkeypatch, change, kept
):
    """Its bytes are compared early; its last tiles may be read long after that."""
    path = folder / "C.tiff"
    content = path.read_bytes()

    def compared_then_changed(job, *, since=None):
        stamp = check_same_bytes(job, since=since)
        if job.path == path and since is None:
            last = content[-1] ^ (change == "other bytes")
            path.write_bytes(content[:-1] + bytes([last]))
        return stamp

    monkeypatch.setattr(module, "check_same_bytes", compared_then_changed)
    try:
        manifest = extracted(tiles, folder, tmp_path, MeanColour())
    finally:
        path.write_bytes(content)
    assert [entry.slide_id for entry in manifest.slides] == list(kept)
    reasons = [(e.slide_id, e.reason) for e in manifest.quarantine]
    assert reasons == ([] if kept == "ABCD" else [("C", "changed_during_run")])
