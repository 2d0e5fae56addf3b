"""Real files of other tools: what each of them is read as."""

from __future__ import annotations

import numpy as np
import pytest

from shazam.errors import CohortError, QuarantineExceededError
from shazam.features.bags import load_bags
from shazam.features.imports.bag import ImportOptions
from shazam.features.imports.coords import NO_UNIT
from shazam.features.imports.joined import join_imports
from shazam.features.imports.layouts import CoordsUnit
from shazam.features.store import read_coords, read_features, read_labels
from shazam.workspace import Workspace
from tests.features.imports.made import imported
from tests.real_data import shared_data

pytestmark = pytest.mark.integration


def test_two_hdf5_files_of_one_group_have_different_names_inside(tmp_path):
    folder = shared_data() / "features_tcga_h5"
    first, second = imported(folder, tmp_path).manifest.slides
    assert (first.slide_id, first.layout, first.n_tiles) == (
        "TCGA-3X-AAVA-01Z-00-DX1",
        "clam",
        180,
    )
    assert first.without_coords == "the file holds none"
    assert (second.layout, second.n_tiles, second.without_coords) == ("stamp", 777, NO_UNIT)
    told = imported(
        folder, tmp_path, options=ImportOptions(coords_unit=CoordsUnit.PX_LEVEL0)
    ).manifest
    coords = read_coords(tmp_path / told.slides[1].uri)
    assert np.unique(np.diff(np.unique(coords[:, 0]))).tolist() == [512]


def test_a_table_of_views_has_a_row_for_each_slide(tmp_path):
    path = shared_data() / "multiview_hif" / "luad_views.npz"
    with pytest.raises(CohortError, match=r"'view_region' float32 \[491, 163\].*--dataset NAME"):
        imported(path, tmp_path)
    options = ImportOptions(datasets=("view_proportion",), ids="slide_id")
    manifest = imported(path, tmp_path, options=options, max_quarantine_fraction=0.02).manifest
    assert (len(manifest.slides), len(manifest.quarantine)) == (489, 2)
    assert all("36 NaN" in entry.message for entry in manifest.quarantine)
    by_case = ImportOptions(datasets=("view_proportion",), ids="slide_id", group="case_id")
    assert len(imported(path, tmp_path, options=by_case).manifest.slides) == 433
    beyond = ImportOptions(datasets=("view_clustering",), ids="slide_id")
    with pytest.raises(QuarantineExceededError, match="491 of 491"):
        imported(path, tmp_path, options=beyond, write=False)


def test_tiles_of_three_encoders_join_to_bags_of_groups(tmp_path):
    path = shared_data() / "features_lc25000_3teachers" / "features.npz"
    names = ("mobilenetv2_imagenet", "shell_segresnet_he", "opennsfw_resnet50thin")
    manifests = [
        imported(
            path,
            tmp_path,
            teacher=name,
            options=ImportOptions(datasets=(name,), ids="fname", group="group"),
        ).manifest
        for name in names
    ]
    joined = join_imports(manifests)
    bags = load_bags(joined, workspace=Workspace(tmp_path), teachers=names, levels=None)
    assert {name: tensor.shape for (name, _), tensor in bags.levels.items()} == {
        "mobilenetv2_imagenet": (1110, 1280),
        "shell_segresnet_he": (1110, 256),
        "opennsfw_resnet50thin": (1110, 1024),
    }
    with np.load(path) as theirs:
        chosen = theirs["group"] == joined.features[0][0].slide_id
        expected = theirs["mobilenetv2_imagenet"][chosen]
    found = read_features(tmp_path / joined.features[0][0].uri)["high"]
    np.testing.assert_array_equal(found, expected)


def test_labelled_tiles_keep_their_classes(tmp_path):
    folder = shared_data() / "features_uni_crc"
    classes = ("ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM")
    options = ImportOptions(datasets=("X",), labels="y", classes=classes)
    manifest = imported(folder, tmp_path, options=options).manifest
    assert [(slide.slide_id, slide.n_tiles) for slide in manifest.slides] == [
        ("test", 45),
        ("train", 90),
    ]
    assert manifest.classes == classes
    labels = read_labels(tmp_path / manifest.slides[1].uri)
    assert np.bincount(labels).tolist() == [10] * 9
