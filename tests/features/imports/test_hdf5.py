"""HDF5 files of CLAM, TRIDENT, STAMP and our own: what is read, converted, refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
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
from shazam.features.imports.coords import NO_MPP, NO_UNIT
from shazam.features.imports.layouts import CoordsUnit
from shazam.features.imports.read import read_bag
from shazam.features.store import FeatureAttrs, write_features
from tests.features.imports.made import DEFAULT, features, grid, write_h5


def read(path: Path, options: ImportOptions = DEFAULT) -> ImportedBag:
    return read_bag(path, options=options)


@pytest.mark.parametrize("leading_axis", [False, True])
@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8", ">f4"])
@pytest.mark.parametrize("n_tiles", [1, 4])
def test_clam_features_have_either_axis_layout_and_any_float(
    tmp_path, leading_axis, dtype, n_tiles
):
    values = features(n_tiles).astype(dtype)
    stored = values[None] if leading_axis else values
    path = write_h5(tmp_path / "S1.h5", {"features": stored, "coords": grid(n_tiles)})
    bag = read(path)
    assert bag.layout == "clam"
    assert bag.levels["high"].dtype.isnative
    np.testing.assert_array_equal(bag.levels["high"], values)
    np.testing.assert_array_equal(bag.coords_level0, grid(n_tiles))
    assert (bag.coords_level0.dtype, bag.without_coords) == (np.int32, None)


def test_clam_says_its_tiles_size_at_level_0_only_if_it_was_cut_there(tmp_path):
    for level, expected in ((0, 256.0), (1, None)):
        path = write_h5(
            tmp_path / f"S{level}.h5",
            {"features": features(), "coords": grid()},
            coords_attrs={"patch_level": level, "patch_size": 256},
        )
        assert read(path).tile_px_level0 == expected


def test_trident_is_known_by_its_attributes(tmp_path):
    path = write_h5(
        tmp_path / "S1.h5",
        {"features": features()[None], "coords": grid()},
        coords_attrs={"patch_size_level0": 512, "level0_magnification": 40, "name": "S1"},
    )
    bag = read(path)
    assert (bag.layout, bag.tile_px_level0, bag.mpp) == ("trident", 512.0, None)
    assert bag.attributes["name"] == "S1"


@pytest.mark.parametrize("attrs", [{"unit": "um"}, {"tile_size_um": 256.0}])
def test_micrometres_become_pixels_only_where_the_resolution_is_known(tmp_path, attrs):
    arrays = {"feats": features(), "coords": grid() * 0.25}
    path = write_h5(tmp_path / "S1.h5", arrays, attrs=attrs)
    assert (read(path).coords_level0, read(path).without_coords) == (None, NO_MPP)
    told = read(path, ImportOptions(mpp=0.25))
    np.testing.assert_array_equal(told.coords_level0, grid())
    assert (told.layout, told.mpp) == ("stamp", 0.25)
    write_h5(path, arrays, attrs={**attrs, "mpp": 0.5})
    np.testing.assert_array_equal(read(path).coords_level0, grid() // 2)
    write_h5(path, arrays, attrs={**attrs, "mpp": 40})
    assert (read(path).mpp, read(path).without_coords) == (None, NO_MPP)


def test_coordinates_whose_unit_nobody_says_are_left_out(tmp_path):
    path = write_h5(tmp_path / "S1.h5", {"feats": features(), "coords": grid()})
    assert (read(path).coords_level0, read(path).without_coords) == (None, NO_UNIT)
    told = read(path, ImportOptions(coords_unit=CoordsUnit.PX_LEVEL0))
    np.testing.assert_array_equal(told.coords_level0, grid())
    strange = write_h5(
        tmp_path / "S2.h5", {"features": features(), "coords": grid()}, attrs={"unit": "ell"}
    )
    assert read(strange).without_coords == NO_UNIT


def test_our_own_files_come_back_whole(tmp_path):
    levels = {"low": features(dim=2), "mid": features(dim=3), "high": features(dim=5)}
    write_features(
        tmp_path / "S1.h5",
        levels=levels,
        coords=grid().astype(np.int32),
        attrs=FeatureAttrs("uni", "1", "a" * 64, None, "b" * 64, None, "c" * 64, 0.5),
        labels=np.array([0, 1, 1, 0], np.int32),
    )
    bag = read(tmp_path / "S1.h5")
    assert list(bag.levels) == ["low", "mid", "high"]
    for level, array in levels.items():
        np.testing.assert_array_equal(bag.levels[level], array.astype(np.float16))
    assert bag.labels.tolist() == [0, 1, 1, 0]
    assert (bag.layout, bag.mpp, bag.attributes["teacher"]) == ("shazam", 0.5, "uni")
    assert list(read(tmp_path / "S1.h5", ImportOptions(levels=("mid",))).levels) == ["mid"]


def test_attributes_are_plain_values(tmp_path):
    attrs = {
        "text": "x" * 500,
        "bytes": np.bytes_(b"caf\xc3\xa9"),
        "one": np.array([7]),
        "many": np.zeros(5),
        "flag": np.bool_(True),
        "empty": h5py.Empty("f4"),
    }
    path = write_h5(tmp_path / "S1.h5", {"features": features()}, attrs=attrs)
    told = read(path).attributes
    assert told == {"text": "x" * 200, "bytes": "café", "one": 7, "flag": 1}


def test_unknown_names_are_listed_and_can_be_named(tmp_path):
    path = write_h5(tmp_path / "S1.h5", {"a/embeddings": features(), "other": grid()})
    with pytest.raises(UnknownLayoutError) as raised:
        read(path)
    for part in ("'a/embeddings' float32 [4, 3]", "'other' int64 [4, 2]", "--dataset NAME"):
        assert part in str(raised.value)
    bag = read(path, ImportOptions(datasets=("a/embeddings",), levels=("low",)))
    np.testing.assert_array_equal(bag.levels["low"], features())
    with pytest.raises(UnknownLayoutError, match=r"no array nope; the file holds 'a/embeddings'"):
        read(path, ImportOptions(datasets=("nope",)))


@pytest.mark.parametrize(
    "names", [("features", "feats"), ("features", "high"), (), ("low_level",)], ids=str
)
def test_what_could_be_meant_is_not_guessed(tmp_path, names):
    path = write_h5(tmp_path / "S1.h5", {name: features() for name in names})
    with pytest.raises(UnknownLayoutError, match="not clear"):
        read(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"features": np.zeros(3, "f4")}, r"shape \[3\]"),
        ({"features": np.zeros((2, 4, 3), "f4")}, r"shape \[2, 4, 3\]"),
        ({"features": np.zeros((1, 1, 4, 3), "f4")}, "shape"),
        ({"features": np.zeros((0, 3), "f4")}, "empty"),
        ({"features": np.zeros((3, 0), "f4")}, "empty"),
        ({"features": np.zeros((4, 3), "i4")}, "holds int32"),
        ({"features": np.array([b"text"])}, "not numbers"),
        ({"features": features(), "coords": grid(3)}, "there are 3 coordinates"),
        ({"features": features().T, "coords": grid()}, "axes seem exchanged"),
        ({"features": features(), "coords": grid()[:, :1]}, r"expected \[n_tiles, 2\]"),
        ({"features": features(), "coords": grid() + 0.5}, "whole pixels"),
        ({"features": features(), "coords": grid() * np.nan}, "NaN"),
        ({"features": features(), "coords": grid() + 2**40}, "32 bits"),
        ({"features": features(), "labels": np.arange(3)}, r"expected \[4\]"),
        ({"features": features(), "labels": np.zeros(4)}, "whole numbers"),
        ({"features": features(), "labels": np.arange(4) + 2**40}, "32 bits"),
        ({"low": features(3), "high": features(4)}, "different numbers of tiles"),
    ],
)
def test_arrays_that_do_not_fit_are_named(tmp_path, arrays, message):
    with pytest.raises(FeatureError, match=message):
        read(write_h5(tmp_path / "S1.h5", arrays))


def test_every_cut_of_a_file_is_an_error_that_names_it(tmp_path):
    path = write_h5(tmp_path / "S1.h5", {"features": features(40), "coords": grid(40)})
    content = path.read_bytes()
    for kept in range(0, len(content), 97):
        path.write_bytes(content[:kept])
        with pytest.raises(UnreadableFeaturesError, match=r"S1\.h5"):
            read(path)


def test_flipped_bytes_never_raise_anything_else(tmp_path):
    path = write_h5(tmp_path / "S1.h5", {"features": features(), "coords": grid()})
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for where in rng.integers(0, len(content), size=300):
        path.write_bytes(content[:where] + bytes([content[where] ^ 255]) + content[where + 1 :])
        try:
            bag = read(path)
        except SlideError:
            continue
        assert bag.n_tiles > 0


def test_other_files_are_never_reached(tmp_path):
    secret = write_h5(tmp_path / "secret.h5", {"features": features(seed=9)})
    path = tmp_path / "S1.h5"
    with h5py.File(path, "w") as file:
        file["features"] = h5py.ExternalLink(str(secret), "features")
        file["coords"] = grid()
    with pytest.raises(UnknownLayoutError, match="not clear"):
        read(path)
    layout = h5py.VirtualLayout(shape=(4, 3), dtype="f4")
    layout[:] = h5py.VirtualSource(str(secret), "features", shape=(4, 3))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("features", layout)
    with pytest.raises(UnsafeFileError, match="lies in other files"):
        read(path)
    with h5py.File(path, "w") as file:
        file.create_dataset("features", (4, 3), "f4", external=[(str(secret), 0, 48)])
    with pytest.raises(UnsafeFileError, match="lies in other files"):
        read(path)


def test_a_claim_to_be_huge_is_refused_unread(tmp_path):
    with h5py.File(tmp_path / "S1.h5", "w") as file:
        file.create_dataset("features", (1 << 30, 1 << 10), "f4", chunks=(1, 1024))
    with pytest.raises(FeatureError, match="more than 16 GiB"):
        read(tmp_path / "S1.h5")


def test_rows_are_selected_with_all_that_belongs_to_them(tmp_path):
    arrays = {"features": features(), "coords": grid(), "labels": np.array([3, 2, 1, 0])}
    bag = read(write_h5(tmp_path / "S1.h5", arrays)).select(np.array([2, 0]))
    np.testing.assert_array_equal(bag.levels["high"], features()[[2, 0]])
    np.testing.assert_array_equal(bag.coords_level0, grid()[[2, 0]])
    assert bag.labels.tolist() == [1, 3]
    bare = replace(bag, coords_level0=None, labels=None).select(np.array([0]))
    assert (bare.n_tiles, bare.coords_level0, bare.labels) == (1, None, None)
