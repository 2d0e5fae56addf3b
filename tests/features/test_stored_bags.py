from __future__ import annotations

from multiprocessing.reduction import ForkingPickler
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shazam.errors import ArtifactError, ConfigError
from shazam.features.bags import PackedBags, load_bags
from shazam.features.cached_bags import CachedBags, within_budget
from shazam.features.store import FeatureAttrs, write_features
from shazam.features.stored_bags import StoredBags, open_bags
from shazam.hdf5 import write_arrays
from shazam.hdf5_rows import locate_rows
from shazam.manifests import FeatureSetManifest, LevelDims, SlideFeatures, TeacherIdentity
from shazam.refs import CohortRef
from shazam.workspace import Workspace

ZEROS = "0" * 64
DIMS = {"low": 2, "high": 5}
# (slide, case, tiles): a case of two slides, and a slide of several chunks
SLIDES = (("s1", "b", 2500), ("s2", "a", 3), ("s3", "b", 1))
HIGH = ("ann", "high")


def _manifest(workspace: Workspace) -> FeatureSetManifest:
    generator = np.random.default_rng(0)
    entries = []
    for slide_id, case_id, n_tiles in SLIDES:
        path = workspace.root / "features" / "ann" / f"{slide_id}.h5"
        levels = {
            level: generator.normal(size=(n_tiles, dim)).astype(np.float16)
            for level, dim in DIMS.items()
        }
        sha256 = write_features(
            path,
            levels=levels,
            coords=np.zeros((n_tiles, 2), dtype=np.int32),
            attrs=FeatureAttrs("ann", "r", ZEROS, ZEROS, ZEROS, ZEROS, ZEROS, 0.5),
            expected=tuple(DIMS),
        )
        entries.append(
            SlideFeatures(
                slide_id=slide_id,
                case_id=case_id,
                key=ZEROS,
                uri=workspace.uri(path),
                sha256=sha256,
                n_tiles=n_tiles,
                tiles_key=ZEROS,
            )
        )
    teacher = TeacherIdentity(
        name="ann",
        revision="r",
        weights_sha256=ZEROS,
        transform_sha256=ZEROS,
        dims=LevelDims(**DIMS),
        licence="Apache-2.0",
    )
    return FeatureSetManifest(
        cohort=CohortRef(uri="c", sha256=ZEROS, n_cases=2, n_slides=3),
        teachers=(teacher,),
        features=(tuple(entries),),
        quarantine=(),
        versions=(),
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("workspace"))


@pytest.fixture(scope="module")
def manifest(workspace: Workspace) -> FeatureSetManifest:
    return _manifest(workspace)


@pytest.fixture(scope="module")
def loaded(workspace: Workspace, manifest: FeatureSetManifest) -> PackedBags:
    return load_bags(manifest, workspace=workspace, teachers=["ann"], levels=None)


@pytest.fixture(scope="module")
def stored(workspace: Workspace, manifest: FeatureSetManifest) -> StoredBags:
    return open_bags(manifest, workspace=workspace, teachers=["ann"], levels=None)


def _assert_same(one: PackedBags, other: PackedBags) -> None:
    assert one.case_ids == other.case_ids
    assert torch.equal(one.offsets, other.offsets)
    assert set(one.levels) == set(other.levels)
    for source, tensor in one.levels.items():
        assert tensor.dtype == other.levels[source].dtype
        assert torch.equal(tensor, other.levels[source])


def test_bags_on_disk_say_what_bags_in_memory_say(stored: StoredBags, loaded: PackedBags) -> None:
    assert stored.case_ids == loaded.case_ids
    assert torch.equal(stored.lengths, loaded.lengths)
    assert stored.dims == loaded.dims


@pytest.mark.parametrize("rows", [[0, 1], [1, 0], [1], [0, 0]])
def test_whole_cases_are_those_in_memory(
    rows: list[int], stored: StoredBags, loaded: PackedBags
) -> None:
    _assert_same(stored.select(rows), loaded.select(rows))
    _assert_same(stored.only([HIGH]).select(rows), loaded.only([HIGH]).select(rows))


@settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(tiles=st.sets(st.integers(0, 2500), min_size=1, max_size=40), more=st.integers(0, 2))
def test_chosen_tiles_are_those_in_memory(
    tiles: set[int], more: int, stored: StoredBags, loaded: PackedBags
) -> None:
    choice = [np.array(sorted(tiles)), np.arange(more, 3)]
    _assert_same(stored.select([1, 0], choice), loaded.select([1, 0], choice))


def test_a_file_that_was_cut_after_it_was_opened_is_told(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    manifest = _manifest(workspace)
    bags = open_bags(manifest, workspace=workspace, teachers=["ann"], levels=["high"])
    path = workspace.path(manifest.features[0][0].uri)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ArtifactError, match="ends too early"):
        bags.select([1])
    path.unlink()
    with pytest.raises(ArtifactError, match="cannot be read"):
        bags.select([1])


def test_an_altered_file_is_refused_on_opening(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    manifest = _manifest(workspace)
    path = workspace.path(manifest.features[0][1].uri)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(ArtifactError, match="altered since it was written"):
        open_bags(manifest, workspace=workspace, teachers=["ann"], levels=["high"])


def test_an_array_that_is_no_matrix_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_arrays(path, {"high": np.zeros((3, 2, 2), np.float16)}, {})
    with pytest.raises(ArtifactError, match="not laid out in chunks of plain rows"):
        locate_rows(path, ["high"])


@pytest.mark.parametrize("budget_bytes", [0, 100, 10**6])
def test_bags_that_are_kept_are_those_on_disk(
    budget_bytes: int, stored: StoredBags, loaded: PackedBags
) -> None:
    cached = CachedBags(stored, budget_bytes=budget_bytes)
    choice = [np.array([5, 2499, 2500]), np.array([2])]
    for bags in (cached, ForkingPickler.loads(ForkingPickler.dumps(cached))):
        for _ in range(2):
            _assert_same(bags.select([1, 0]), loaded.select([1, 0]))
            _assert_same(bags.select([1, 0], choice), loaded.select([1, 0], choice))
    _assert_same(cached.only([HIGH]).select([0]), loaded.only([HIGH]).select([0]))
    assert (cached.case_ids, cached.dims) == (stored.case_ids, stored.dims)


def test_kept_cases_are_not_read_again_and_others_are(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    manifest = _manifest(workspace)
    stored = open_bags(manifest, workspace=workspace, teachers=["ann"], levels=["high"])
    bags = CachedBags(stored, budget_bytes=3 * 5 * 2)  # case a has 3 tiles of 5 float16 values
    expected = bags.select([0, 1])
    for slide in manifest.features[0]:
        workspace.path(slide.uri).unlink()
    _assert_same(bags.select([0]), expected.select([0]))
    with pytest.raises(ArtifactError, match="cannot be read"):
        bags.select([1])


def test_the_budget_comes_from_the_environment(stored: StoredBags) -> None:
    assert within_budget(stored, environment={}) is stored
    assert isinstance(within_budget(stored, environment={"SHAZAM_CACHE_GB": "0.5"}), CachedBags)
    for wrong in ("-1", "much", "inf", "nan"):
        with pytest.raises(ConfigError, match=f"SHAZAM_CACHE_GB={wrong}"):
            within_budget(stored, environment={"SHAZAM_CACHE_GB": wrong})


def test_files_of_another_width_are_refused(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    manifest = _manifest(workspace)
    path = workspace.path(manifest.features[0][1].uri)
    sha256 = write_features(
        path,
        levels={level: np.zeros((3, dim + 1), np.float16) for level, dim in DIMS.items()},
        coords=np.zeros((3, 2), dtype=np.int32),
        attrs=FeatureAttrs("ann", "r", ZEROS, ZEROS, ZEROS, ZEROS, ZEROS, 0.5),
        expected=tuple(DIMS),
    )
    files = list(manifest.features[0])
    files[1] = files[1].model_copy(update={"sha256": sha256})
    other = manifest.model_copy(update={"features": (tuple(files),)})
    with pytest.raises(ArtifactError, match="teacher 'ann', level high: files differ in values"):
        open_bags(other, workspace=workspace, teachers=["ann"], levels=["high"])
