from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from pydantic import ValidationError

from shazam.errors import ArtifactError, ConfigError, FeatureError
from shazam.features.bags import PackedBags, load_bags
from shazam.features.store import FeatureAttrs, write_features
from shazam.manifests import FeatureSetManifest, LevelDims, SlideFeatures, TeacherIdentity
from shazam.publish import publish
from shazam.refs import CohortRef
from shazam.workspace import Workspace

ZEROS = "0" * 64
DIMS = {"low": 2, "mid": 3, "high": 4}
# (slide, case, tiles), in another order than by case
SLIDES = (("s1", "b", 2), ("s2", "a", 3), ("s3", "b", 1))


def _levels(slide_id: str, *, n_tiles: int, teacher: str) -> dict[str, np.ndarray]:
    seed = [ord(letter) for letter in slide_id + teacher]
    generator = np.random.default_rng(seed)
    return {
        level: generator.normal(size=(n_tiles, dim)).astype(np.float16)
        for level, dim in DIMS.items()
    }


def _entry(workspace: Workspace, *, slide: tuple[str, str, int], teacher: str) -> SlideFeatures:
    slide_id, case_id, n_tiles = slide
    path = workspace.root / "features" / teacher / f"{slide_id}.h5"
    sha256 = write_features(
        path,
        levels=_levels(slide_id, n_tiles=n_tiles, teacher=teacher),
        coords=np.zeros((n_tiles, 2), dtype=np.int32),
        attrs=FeatureAttrs(teacher, "r", ZEROS, ZEROS, ZEROS, ZEROS, ZEROS, 0.5),
    )
    return SlideFeatures(
        slide_id=slide_id,
        case_id=case_id,
        key=ZEROS,
        uri=workspace.uri(path),
        sha256=sha256,
        n_tiles=n_tiles,
        tiles_key=ZEROS,
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


@pytest.fixture
def manifest(workspace: Workspace) -> FeatureSetManifest:
    def teacher(name: str) -> TeacherIdentity:
        return TeacherIdentity(
            name=name,
            revision="r",
            weights_sha256=ZEROS,
            transform_sha256=ZEROS,
            dims=LevelDims(**DIMS),
            licence="Apache-2.0",
        )

    return FeatureSetManifest(
        cohort=CohortRef(uri="c", sha256=ZEROS, n_cases=2, n_slides=3),
        teachers=(teacher("ann"), teacher("bob")),
        features=tuple(
            tuple(_entry(workspace, slide=slide, teacher=name) for slide in SLIDES)
            for name in ("ann", "bob")
        ),
        quarantine=(),
        versions=(),
    )


def _load(manifest: FeatureSetManifest, workspace: Workspace, *teachers: str) -> PackedBags:
    return load_bags(manifest, workspace=workspace, teachers=teachers, levels=("low", "high"))


def test_a_case_has_one_bag_with_the_tiles_of_all_its_slides(
    manifest: FeatureSetManifest, workspace: Workspace
) -> None:
    bags = _load(manifest, workspace, "ann", "bob")
    assert bags.case_ids == ("a", "b")
    assert bags.offsets.tolist() == [0, 3, 6]
    assert set(bags.levels) == {(t, lv) for t in ("ann", "bob") for lv in ("low", "high")}
    order = (("s2", 3), ("s1", 2), ("s3", 1))
    for (teacher, level), tensor in bags.levels.items():
        expected = [_levels(name, n_tiles=n, teacher=teacher)[level] for name, n in order]
        assert tensor.dtype == torch.float16
        np.testing.assert_array_equal(tensor.numpy(), np.concatenate(expected))


def test_selected_bags_come_in_the_order_asked_for(
    manifest: FeatureSetManifest, workspace: Workspace
) -> None:
    bags = _load(manifest, workspace, "ann")
    chosen = bags.select([1, 0])
    assert chosen.case_ids == ("b", "a")
    assert chosen.offsets.tolist() == [0, 3, 6]
    tiles = bags.levels["ann", "high"]
    assert torch.equal(chosen.levels["ann", "high"], torch.cat([tiles[3:], tiles[:3]]))


def test_an_altered_or_missing_file_is_refused(
    manifest: FeatureSetManifest, workspace: Workspace
) -> None:
    path = workspace.path(manifest.features[0][1].uri)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="altered since it was written"):
        _load(manifest, workspace, "ann")
    path.unlink()
    with pytest.raises(ArtifactError, match="missing from the workspace"):
        _load(manifest, workspace, "ann")


def test_an_unknown_teacher_is_named(manifest: FeatureSetManifest, workspace: Workspace) -> None:
    with pytest.raises(ConfigError, match=r"teacher 'eve'; there are \['ann', 'bob'\]"):
        _load(manifest, workspace, "eve")


def test_teachers_with_other_slides_are_refused(
    manifest: FeatureSetManifest, workspace: Workspace
) -> None:
    fewer = manifest.model_copy(
        update={"features": (manifest.features[0], manifest.features[1][:2])}
    )
    with pytest.raises(ArtifactError, match="'bob' has other slides"):
        _load(fewer, workspace, "ann", "bob")


def test_nan_is_named_with_slide_and_level(
    manifest: FeatureSetManifest, workspace: Workspace
) -> None:
    entry = manifest.features[0][0]
    path = workspace.path(entry.uri)

    def write(target: Path) -> None:
        target.write_bytes(path.read_bytes())
        with h5py.File(target, "r+") as file:
            file["high"][0, 0] = np.nan

    poisoned = entry.model_copy(update={"sha256": publish(path, write)})
    features = ((poisoned, *manifest.features[0][1:]), manifest.features[1])
    with pytest.raises(FeatureError, match=r"slide 's1'.*level high holds NaN"):
        _load(manifest.model_copy(update={"features": features}), workspace, "ann")


def test_levels_are_those_that_each_teacher_gives(
    manifest: FeatureSetManifest, workspace: Workspace
) -> None:
    bags = load_bags(manifest, workspace=workspace, teachers=("ann",), levels=None)
    assert set(bags.levels) == {("ann", level) for level in DIMS}
    ann, bob = manifest.teachers
    narrow = ann.model_copy(update={"dims": LevelDims(high=4)})
    part = manifest.model_copy(update={"teachers": (narrow, bob)})
    bags = load_bags(part, workspace=workspace, teachers=("ann", "bob"), levels=None)
    assert {level for teacher, level in bags.levels if teacher == "ann"} == {"high"}
    with pytest.raises(ConfigError, match="'ann' gives high, not level low"):
        _load(part, workspace, "ann")


def test_a_teacher_gives_at_least_one_level() -> None:
    assert LevelDims(low=2, high=3).present() == ("low", "high")
    with pytest.raises(ValidationError, match="at least one"):
        LevelDims()
