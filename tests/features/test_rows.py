"""Rows of the contracts: what stands in a file, beside what must stand there."""

import pytest

from shazam.features.feature_set import join_features
from shazam.features.rows import feature_rows
from shazam.slides.rows import tile_rows
from shazam.workspace import Workspace
from tests.features.made import MeanColour, extracted, tiled
from tests.slides.made import make_slide

PAIRS = ("dims", "dtype", "sha256", "weights_sha256", "transform_sha256", "revision", "tiles_key")


@pytest.fixture
def made(tmp_path):
    slides = [make_slide(tmp_path, name=name) for name in ("A", "B")]
    tiles = tiled(slides, tmp_path, tmp_path / "ws")
    features = extracted(tiles, tmp_path, tmp_path / "ws", MeanColour())
    return tiles, join_features(tiles, [features]), Workspace(tmp_path / "ws")


def test_sound_files_agree_with_what_is_expected_of_them(made):
    tiles, joined, workspace = made
    rows = feature_rows(joined, tiles, workspace=workspace)
    assert rows["slide_id"].tolist() == ["A", "B"]
    for name in (*PAIRS, "mpp"):
        assert rows[name].tolist() == rows[f"{name}_expected"].tolist()
    assert rows["coords_equal"].all()
    grids = tile_rows(tiles, workspace=workspace)
    assert grids["n_coords"].tolist() == grids["n_tiles"].tolist()
    assert grids[["n_repeated", "n_outside"]].to_numpy().sum() == 0
    assert grids["error"].tolist() == rows["error"].tolist() == ["", ""]


@pytest.mark.parametrize("content", [b"", b"no HDF5", None])
def test_a_feature_file_that_cannot_be_read_is_a_row(made, content):
    tiles, joined, workspace = made
    harm(workspace.path(joined.features[0][0].uri), content)
    first, second = feature_rows(joined, tiles, workspace=workspace)["error"]
    assert first.startswith(("ArtifactError: ", "FileNotFoundError: "))
    assert second == ""


@pytest.mark.parametrize("content", [b"", b"no HDF5", None])
def test_a_tile_grid_that_cannot_be_read_is_a_row_of_both_tables(made, content):
    tiles, joined, workspace = made
    harm(workspace.path(tiles.slides[1].uri), content)
    for rows in (
        tile_rows(tiles, workspace=workspace),
        feature_rows(joined, tiles, workspace=workspace),
    ):
        first, second = rows["error"]
        assert first == ""
        assert second.startswith(("ArtifactError: ", "FileNotFoundError: "))


def harm(path, content):
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
