from dataclasses import asdict, replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from shazam.digest import digest_of
from shazam.errors import ArtifactError
from shazam.features.keys import FeaturesKey
from shazam.features.pace import read_pace
from shazam.features.store import read_attrs, read_coords, read_features
from shazam.slides.tiles import read_grid
from shazam.teachers.encoder import load_encoder
from shazam.workspace import Workspace
from tests.features.made import MeanColour, extracted, tiled
from tests.real_data import shared_data
from tests.slides.made import (
    make_slide,
    record,
    tissue_picture,
)


@pytest.fixture
def slides(tmp_path):
    folder = tmp_path / "slides"
    looks = {"A": (0.5, 1), "B": (0.25, 2), "C": (0.25, 1)}
    return [
        make_slide(folder, name, mpp=mpp, n_levels=n_levels, rgb=tissue_picture(seed=ord(name)))
        for name, (mpp, n_levels) in looks.items()
    ]


@pytest.fixture
def tiles(slides, tmp_path):
    return tiled(slides, tmp_path / "slides", tmp_path / "ws")


def contents(root: Path) -> dict[str, bytes]:
    files = (root / "features").rglob("*.h5")
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_every_tile_is_encoded_once_and_stored_with_its_provenance(tiles, tmp_path):
    encoder = MeanColour()
    manifest = extracted(tiles, tmp_path / "slides", tmp_path / "ws", encoder)
    assert encoder.n_tiles == sum(slide.n_tiles for slide in tiles.slides)
    assert manifest.quarantine == ()
    for entry, tile_entry in zip(manifest.slides, tiles.slides, strict=True):
        path = tmp_path / "ws" / entry.uri
        grid = read_grid(tmp_path / "ws" / tile_entry.uri)
        attrs = read_attrs(path)
        assert entry.uri == f"features/mean_colour/{entry.key}/{entry.slide_id}.h5"
        assert (attrs.slide_sha256, attrs.mpp) == (tile_entry.slide.sha256, tile_entry.slide.mpp)
        assert np.array_equal(read_coords(path), grid.coords_level0)
        colour = read_features(path, levels=("high",))["high"]
        assert np.abs(colour.astype(float) - (214, 120, 170)).max() < 4


def test_a_slide_is_read_from_its_best_level_and_gives_tiles_of_one_size(tiles, tmp_path):
    by_id = {entry.slide.slide_id: entry for entry in tiles.slides}
    specs = {name: read_grid(tmp_path / "ws" / by_id[name].uri).spec for name in "BC"}
    assert (specs["B"].level, specs["C"].level) == (1, 0)


def test_a_second_run_encodes_nothing_and_says_the_same(tiles, tmp_path):
    first = extracted(tiles, tmp_path / "slides", tmp_path / "ws", MeanColour())
    again = MeanColour()
    assert extracted(tiles, tmp_path / "slides", tmp_path / "ws", again) == first
    assert again.n_tiles == 0


def test_how_fast_it_went_is_kept_until_slides_are_made_again(tiles, tmp_path):
    workspace = Workspace(tmp_path / "ws")
    extracted(tiles, tmp_path / "slides", workspace.root, MeanColour())
    pace = read_pace("mean_colour", device_type="cpu", workspace=workspace)
    assert pace is not None
    assert pace.n_slides == 3
    extracted(tiles, tmp_path / "slides", workspace.root, MeanColour())
    assert read_pace("mean_colour", device_type="cpu", workspace=workspace) == pace


@pytest.mark.parametrize("harm", ["gone", "cut", "flipped", "rewritten", "unsealed"])
def test_resume_repeats_only_what_is_not_sound_and_gives_equal_bytes(tiles, tmp_path, harm):
    first = extracted(tiles, tmp_path / "slides", tmp_path / "ws", MeanColour())
    before = contents(tmp_path / "ws")
    path = tmp_path / "ws" / first.slides[0].uri
    content = path.read_bytes()
    match harm:
        case "gone":
            path.unlink()
        case "cut":
            path.write_bytes(content[:-100])
        case "flipped":
            where = content.index(read_features(path, levels=("mid",))["mid"].tobytes())
            path.write_bytes(content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :])
        case "rewritten":  # sound by its own checksums, but not what extraction wrote
            with h5py.File(path, "r+") as file:
                file["mid"][...] = file["mid"][...] + 1
        case "unsealed":
            path.with_name(f"{path.name}.sha256").unlink()
    again = MeanColour()
    assert extracted(tiles, tmp_path / "slides", tmp_path / "ws", again) == first
    assert again.n_tiles == tiles.slides[0].n_tiles
    assert contents(tmp_path / "ws") == before


def test_features_that_are_not_finite_are_quarantined_and_not_written(tiles, tmp_path):
    manifest = extracted(tiles, tmp_path / "slides", tmp_path / "ws", MeanColour(poisoned=True))
    assert manifest.slides == ()
    assert {entry.reason for entry in manifest.quarantine} == {"bad_features"}
    assert {entry.stage for entry in manifest.quarantine} == {"extract:mean_colour"}
    assert contents(tmp_path / "ws") == {}


def test_a_tile_that_cannot_be_decoded_costs_its_slide_only(tiles, tmp_path):
    path = tmp_path / "slides" / "A.tiff"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    path.write_bytes(content)
    manifest = extracted(tiles, tmp_path / "slides", tmp_path / "ws", MeanColour())
    assert [entry.slide_id for entry in manifest.slides] == ["B", "C"]
    assert [(e.slide_id, e.reason) for e in manifest.quarantine] == [("A", "unreadable")]


def test_a_slide_changed_since_it_was_tiled_is_quarantined(tiles, tmp_path):
    path = tmp_path / "slides" / "B.tiff"
    path.write_bytes(path.read_bytes() + b"x")
    manifest = extracted(tiles, tmp_path / "slides", tmp_path / "ws", MeanColour())
    assert [(e.slide_id, e.reason) for e in manifest.quarantine] == [("B", "changed_during_run")]


def test_an_altered_tile_grid_stops_the_run(tiles, tmp_path):
    path = tmp_path / "ws" / tiles.slides[1].uri
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ArtifactError, match="altered"):
        extracted(tiles, tmp_path / "slides", tmp_path / "ws", MeanColour())


def test_what_is_no_fault_of_a_slide_stops_the_run(tiles, tmp_path):
    class Broken(MeanColour):
        def encode(self, tiles):
            raise RuntimeError("no kernel")

    n_threads = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="no kernel"):
        extracted(tiles, tmp_path / "slides", tmp_path / "ws", Broken())
    assert torch.get_num_threads() == n_threads


def test_every_field_changes_the_key(tiles):
    key = FeaturesKey.of(
        tiles.slides[0], teacher=MeanColour.identity, device_type="cpu", precision="float32"
    )
    for name, value in asdict(key).items():
        assert digest_of(replace(key, **{name: f"{value}x"})) != digest_of(key)


def test_a_pretrained_teacher_gives_equal_bytes_whatever_the_batch(tmp_path, slides):
    encoder = load_encoder("efficientnet_lite0", device="cpu")
    digests = []
    for name, batch_size in (("one", 12), ("two", 5)):
        manifest = tiled(slides[:1], tmp_path / "slides", tmp_path / name)
        found = extracted(manifest, tmp_path / "slides", tmp_path / name, encoder, batch_size)
        digests.append(found.slides[0].sha256)
    assert digests[0] == digests[1]


@pytest.mark.integration
def test_real_slides_give_features_of_every_level(tmp_path):
    encoder = load_encoder("efficientnet_lite0", device="cpu")
    folder = shared_data()
    paths = [folder / "wsi" / "CMU-1-Small-Region.svs"]
    paths += sorted((folder / "wsi_monuseg").glob("*.tiff"))[:3]
    slides = [replace(record(p), path=p.relative_to(folder).as_posix()) for p in paths]
    tiles = tiled(slides, folder, tmp_path)
    manifest = extracted(tiles, folder, tmp_path, encoder)
    assert [entry.n_tiles for entry in manifest.slides] == [43, 4, 4, 4]
    for entry in manifest.slides:
        levels = read_features(tmp_path / entry.uri, levels=("low", "mid", "high"))
        assert [array.shape[1] for array in levels.values()] == [40, 112, 1280]
        assert all(array.astype(np.float32).std() > 0.01 for array in levels.values())
