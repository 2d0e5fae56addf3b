"""Files of numpy.savez: arrays by name, never unpickled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shazam.errors import (
    FeatureError,
    SlideError,
    UnknownLayoutError,
    UnreadableFeaturesError,
    UnsafeFileError,
)
from shazam.features.imports.bag import ImportedBag, ImportOptions
from shazam.features.imports.coords import NO_UNIT
from shazam.features.imports.layouts import CoordsUnit
from shazam.features.imports.read import read_bag
from tests.features.imports.made import features, grid

X = ImportOptions(datasets=("X",))


def saved(path: Path, options: ImportOptions, **arrays: np.ndarray) -> ImportedBag:
    np.savez(path, **arrays)
    return read_bag(path, options=options)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_named_arrays_are_read_whatever_their_order_in_memory(tmp_path, save):
    path = tmp_path / "S1.npz"
    save(path, X=np.asfortranarray(features()), y=np.arange(4), coords=grid())
    bag = read_bag(path, options=ImportOptions(datasets=("X",), labels="y"))
    np.testing.assert_array_equal(bag.levels["high"], features())
    assert (bag.labels.tolist(), bag.without_coords) == ([0, 1, 2, 3], NO_UNIT)
    placed = read_bag(
        path, options=ImportOptions(datasets=("X",), coords_unit=CoordsUnit.PX_LEVEL0)
    )
    np.testing.assert_array_equal(placed.coords_level0, grid())


def test_usual_names_and_levels_need_no_option(tmp_path):
    assert saved(tmp_path / "a.npz", ImportOptions(), features=features()).n_tiles == 4
    bag = saved(tmp_path / "b.npz", ImportOptions(), low=features(dim=2), high=features(dim=5))
    assert list(bag.levels) == ["low", "high"]


def test_several_arrays_can_be_the_levels(tmp_path):
    options = ImportOptions(levels=("low", "high"), datasets=("a", "b"))
    bag = saved(tmp_path / "a.npz", options, a=features(dim=2), b=features(dim=5))
    assert {level: array.shape[1] for level, array in bag.levels.items()} == {"low": 2, "high": 5}


def test_other_names_are_listed(tmp_path):
    with pytest.raises(UnknownLayoutError) as raised:
        saved(tmp_path / "a.npz", ImportOptions(), X=features(), y=np.array(["a"] * 4))
    assert "'X' float32 [4, 3], 'y' <U1 [4]; name it with --dataset NAME" in str(raised.value)


@pytest.mark.parametrize("labels", [["b", "a", "b", "c"], [b"b", b"a", b"b", b"c"]])
def test_labels_of_text_need_their_classes_in_order(tmp_path, labels):
    arrays = {"X": features(), "y": np.array(labels)}
    options = ImportOptions(datasets=("X",), labels="y", classes=("c", "b", "a"))
    assert saved(tmp_path / "a.npz", options, **arrays).labels.tolist() == [1, 2, 1, 0]
    few = ImportOptions(datasets=("X",), labels="y", classes=("b",))
    with pytest.raises(FeatureError, match=r"the texts a, c; .*--classes b,a,c"):
        saved(tmp_path / "b.npz", few, **arrays)


def test_pickled_objects_are_refused_only_where_they_are_needed(tmp_path):
    objects = np.array([{"a": 1}] * 4, dtype=object)
    assert saved(tmp_path / "a.npz", X, X=features(), notes=objects).n_tiles == 4
    with pytest.raises(UnsafeFileError, match="'X' holds pickled objects"):
        saved(tmp_path / "b.npz", X, X=objects)
    options = ImportOptions(datasets=("X",), labels="y")
    with pytest.raises(UnsafeFileError, match="'y' holds pickled objects"):
        saved(tmp_path / "c.npz", options, X=features(), y=objects)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"X": np.zeros(3)}, r"shape \[3\]"),
        ({"X": np.zeros((0, 3))}, "empty"),
        ({"X": np.arange(12).reshape(4, 3)}, "holds int64"),
        ({"X": np.zeros((4, 3), "c16")}, "neither numbers nor text"),
        ({"X": features(), "coords": grid(3)}, "there are 3 coordinates"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path, arrays, message):
    with pytest.raises(FeatureError, match=message):
        saved(tmp_path / "a.npz", X, **arrays)


def test_damage_never_raises_anything_else(tmp_path):
    path = tmp_path / "S1.npz"
    np.savez_compressed(path, X=features(), y=np.arange(4))
    content = path.read_bytes()
    for kept in range(0, len(content) - 1, 11):
        path.write_bytes(content[:kept])
        with pytest.raises(UnreadableFeaturesError, match=r"S1\.npz"):
            read_bag(path, options=X)
    for where in range(len(content)):
        path.write_bytes(content[:where] + bytes([content[where] ^ 255]) + content[where + 1 :])
        try:
            bag = read_bag(path, options=X)
        except SlideError:
            continue
        np.testing.assert_array_equal(bag.levels["high"], features())
