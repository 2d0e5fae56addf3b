"""Several imports over the same slides, and the bags that are made of them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from shazam.errors import ArtifactError, ConfigError
from shazam.features.bags import load_bags
from shazam.features.imports.joined import JoinedImports, join_imports
from shazam.manifests import ImportManifest
from shazam.workspace import Workspace
from tests.features.imports.made import features, grid, imported, write_h5

SLIDES = {"B1": 2, "A1": 3, "A2": 1}


def made(tmp_path: Path, teacher: str, *, seed: int, dims: dict[str, int], **change: int):
    folder = tmp_path / teacher
    folder.mkdir()
    for slide_id, n_tiles in {**SLIDES, **change}.items():
        levels = {level: features(n_tiles, dim, seed=seed) for level, dim in dims.items()}
        write_h5(folder / f"{slide_id}.h5", {**levels, "coords": grid(n_tiles) + len(slide_id)})
        seed += 1
    return imported(folder, tmp_path / "ws", teacher=teacher).manifest


@pytest.fixture
def manifests(tmp_path: Path) -> tuple[ImportManifest, ImportManifest]:
    uni = made(tmp_path, "uni", seed=0, dims={"high": 3})
    return uni, made(tmp_path, "virchow", seed=9, dims={"low": 2, "mid": 4, "high": 5})


def test_imports_of_several_teachers_become_bags_of_cases(manifests, tmp_path):
    joined = join_imports(manifests)
    bags = load_bags(
        joined, workspace=Workspace(tmp_path / "ws"), teachers=("uni", "virchow"), levels=None
    )
    assert bags.case_ids == ("A", "B")
    assert bags.offsets.tolist() == [0, 4, 6]
    assert {source: tensor.shape[1] for source, tensor in bags.levels.items()} == {
        ("uni", "high"): 3,
        ("virchow", "low"): 2,
        ("virchow", "mid"): 4,
        ("virchow", "high"): 5,
    }
    tiles = [features(3, 3, seed=1), features(1, 3, seed=2), features(2, 3, seed=0)]
    np.testing.assert_array_equal(
        bags.levels["uni", "high"].numpy(), np.concatenate(tiles).astype(np.float16)
    )


def test_only_levels_that_a_teacher_gives_can_be_asked_for(manifests, tmp_path):
    joined = join_imports(manifests)
    with pytest.raises(ConfigError, match="'uni' gives high, not level low"):
        load_bags(joined, workspace=Workspace(tmp_path / "ws"), teachers=("uni",), levels=("low",))


def test_slides_that_one_teacher_lacks_are_left_out_and_named(manifests):
    uni, virchow = manifests
    fewer = uni.model_copy(update={"slides": uni.slides[1:]})
    joined = join_imports([fewer, virchow])
    assert joined.incomplete == ("A1",)
    assert [[s.slide_id for s in slides] for slides in joined.features] == [["A2", "B1"]] * 2
    none = uni.model_copy(update={"slides": ()})
    with pytest.raises(ArtifactError, match="no slide has the features of all"):
        join_imports([none, virchow])


@pytest.mark.parametrize(
    ("field", "value"), [("case_id", "Z"), ("n_tiles", 9), ("tiles_key", "f" * 64)]
)
def test_teachers_that_saw_other_tiles_are_not_joined(manifests, field, value):
    uni, virchow = manifests
    other = uni.slides[1].model_copy(update={field: value})
    changed = uni.model_copy(update={"slides": (uni.slides[0], other, uni.slides[2])})
    with pytest.raises(ArtifactError, match=f"differ in {field} of slides A2"):
        join_imports([changed, virchow])


def test_other_coordinates_are_other_tiles(manifests, tmp_path):
    third = made(tmp_path, "phikon", seed=20, dims={"high": 3}, A1=2)
    with pytest.raises(ArtifactError, match="n_tiles of slides A1"):
        join_imports([manifests[0], third])


def test_a_teacher_is_joined_once(manifests):
    with pytest.raises(ConfigError, match="one import for each teacher"):
        join_imports([manifests[0], manifests[0]])
    with pytest.raises(ConfigError, match="at least one"):
        join_imports([])


def test_an_altered_file_is_not_loaded(manifests, tmp_path):
    joined: JoinedImports = join_imports(manifests)
    workspace = Workspace(tmp_path / "ws")
    with h5py.File(workspace.path(joined.features[0][0].uri), "r+") as file:
        file["high"][0, 0] += 1
    with pytest.raises(ArtifactError, match="altered"):
        load_bags(joined, workspace=workspace, teachers=("uni",), levels=None)
