from dataclasses import asdict, replace

import numpy as np
import pytest

from shazam.config.tiling import TilingConfig
from shazam.digest import digest_of
from shazam.errors import ArtifactError, SlideChangedError
from shazam.slides.tiles import TilesKey, read_grid, tile_slide, tile_slides
from shazam.slides.validate import validate_slide, validate_slides
from shazam.workspace import Workspace
from tests.real_data import shared_data
from tests.slides.made import (
    COHORT_REF,
    SlideSet,
    make_slide,
    record,
    silent,
    tissue_picture,
)

CONFIG = TilingConfig()


def tiled(tmp_path, root, *, config=CONFIG, **look):
    slide = make_slide(tmp_path, **look)
    path = tmp_path / slide.path
    valid = validate_slide(path, slide=slide, config=config)
    return tile_slide(path, slide=valid, config=config, workspace=Workspace(root))


def test_tiles_cover_the_tissue_and_nothing_else(tmp_path):
    rgb = np.full((896, 1120, 3), 244, np.uint8)
    rgb[224:672, 224:896] = tissue_picture(448, 672)
    entry = tiled(tmp_path, tmp_path / "ws", rgb=rgb)
    grid = read_grid(tmp_path / "ws" / entry.uri)
    expected = [[x, y] for y in (224, 448) for x in (224, 448, 672)]
    assert grid.coords_level0.tolist() == expected
    assert entry.n_tiles == 6
    assert (grid.tissue_fraction > 0.9).all()
    assert grid.coords_level0.dtype == np.int32


def test_equal_slides_give_equal_bytes_and_a_second_run_reads_no_pixel(tmp_path, monkeypatch):
    first = tiled(tmp_path, tmp_path / "ws")
    assert tiled(tmp_path, tmp_path / "other").sha256 == first.sha256
    monkeypatch.setattr("shazam.slides.tiles.open_slide", None)
    assert tiled(tmp_path, tmp_path / "ws") == first


@pytest.mark.parametrize("harm", ["flipped", "cut", "foreign"])
def test_a_damaged_file_is_made_anew(tmp_path, harm):
    first = tiled(tmp_path, tmp_path / "ws")
    path = tmp_path / "ws" / first.uri
    content = path.read_bytes()
    where = content.index(read_grid(path).coords_level0.tobytes())
    match harm:
        case "flipped":
            path.write_bytes(content[:where] + b"\x01" + content[where + 1 :])
        case "cut":
            path.write_bytes(content[: len(content) // 2])
        case "foreign":
            path.write_text("no HDF5")
    with pytest.raises(ArtifactError):
        read_grid(path)
    assert tiled(tmp_path, tmp_path / "ws") == first
    assert path.read_bytes() == content


def test_a_slide_that_changed_is_not_tiled(tmp_path):
    slide = make_slide(tmp_path)
    path = tmp_path / slide.path
    valid = validate_slide(path, slide=slide, config=CONFIG)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(SlideChangedError):
        tile_slide(path, slide=valid, config=CONFIG, workspace=Workspace(tmp_path / "ws"))
    assert not (tmp_path / "ws").exists()


def test_every_field_changes_the_key(tmp_path):
    slide = make_slide(tmp_path)
    valid = validate_slide(tmp_path / slide.path, slide=slide, config=CONFIG)
    key = TilesKey.of(valid, config=CONFIG)
    assert set(TilingConfig.model_fields) - {"assume_mpp"} < set(asdict(key))
    for name, value in asdict(key).items():
        other = f"{value}x" if isinstance(value, str) else (value or 0) + 1
        assert digest_of(replace(key, **{name: other})) != digest_of(key)


def test_the_quarantine_of_validation_is_carried_on(tmp_path):
    slides = SlideSet((make_slide(tmp_path, "A"), make_slide(tmp_path, "B", mpp=None)))
    workspace = Workspace(tmp_path / "ws")
    valid = validate_slides(
        slides,
        cohort_ref=COHORT_REF,
        slides_dir=tmp_path,
        config=CONFIG,
        workspace=workspace,
        progress=silent("validate"),
    )
    (tmp_path / "A.tiff").unlink()
    manifest = tile_slides(
        valid,
        slides_dir=tmp_path,
        config=CONFIG,
        workspace=workspace,
        progress=silent("tile"),
    )
    reasons = [(entry.slide_id, entry.stage, entry.reason) for entry in manifest.quarantine]
    assert manifest.slides == ()
    assert reasons == [("B", "validate", "no_resolution"), ("A", "tile", "changed_during_run")]


@pytest.mark.integration
def test_real_fields_are_tiled_from_the_level_that_fits(tmp_path):
    folder = shared_data() / "wsi_monuseg"
    for path in sorted(folder.glob("*.tiff"))[:6]:
        valid = validate_slide(path, slide=record(path), config=CONFIG)
        workspace = Workspace(tmp_path)
        entry = tile_slide(path, slide=valid, config=CONFIG, workspace=workspace)
        grid = read_grid(tmp_path / entry.uri)
        assert (entry.n_tiles, grid.spec.level, grid.spec.tile_px_level) == (4, 1, 224)


def test_what_was_found_in_other_bytes_is_not_kept_under_the_slides_digest(tmp_path):
    """A slide that is changed and put back must not keep the grid of the wrong picture."""
    slide = make_slide(tmp_path)
    path, workspace = tmp_path / slide.path, Workspace(tmp_path / "ws")
    content = path.read_bytes()
    valid = validate_slide(path, slide=slide, config=CONFIG)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(SlideChangedError, match="not those that were ingested"):
        validate_slide(path, slide=slide, config=CONFIG)
    with pytest.raises(SlideChangedError, match="not those that were ingested"):
        tile_slide(path, slide=valid, config=CONFIG, workspace=workspace)
    assert not (tmp_path / "ws").exists()
    path.write_bytes(content)
    assert tile_slide(path, slide=valid, config=CONFIG, workspace=workspace).n_tiles > 0
