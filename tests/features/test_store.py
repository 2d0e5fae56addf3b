from dataclasses import asdict, fields, replace

import h5py
import numpy as np
import pytest

from shazam.errors import ArtifactError, FeatureError
from shazam.features.store import (
    FeatureAttrs,
    check_features,
    read_attrs,
    read_coords,
    read_features,
    read_labels,
    read_levels,
    write_features,
)
from shazam.features.stored_levels import LEVELS

ATTRS = FeatureAttrs(
    teacher="t",
    revision="1",
    weights_sha256="a" * 64,
    transform_sha256="b" * 64,
    tiles_key="c" * 64,
    slide_sha256="d" * 64,
    key="e" * 64,
    mpp=0.25,
)
COORDS = np.array([[0, 0], [448, 0], [0, 448]], np.int32)


def made(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    dims = zip(LEVELS, (2, 3, 5), strict=True)
    return {level: rng.standard_normal((3, dim)).astype(np.float32) for level, dim in dims}


def test_what_is_written_is_read_as_float16(tmp_path):
    levels = made()
    write_features(tmp_path / "S1.h5", levels=levels, coords=COORDS, attrs=ATTRS)
    found = read_features(tmp_path / "S1.h5", levels=("high", "low"))
    assert list(found) == ["high", "low"]
    assert found["high"].dtype == np.float16
    assert np.array_equal(found["high"], levels["high"].astype(np.float16))
    assert np.array_equal(read_coords(tmp_path / "S1.h5"), COORDS)
    assert read_attrs(tmp_path / "S1.h5") == ATTRS


def test_equal_content_gives_equal_bytes(tmp_path):
    digests = {
        write_features(tmp_path / name, levels=made(), coords=COORDS, attrs=ATTRS)
        for name in ("a.h5", "b.h5")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e6])
def test_what_float16_cannot_hold_is_refused_and_nothing_is_written(tmp_path, value):
    levels = made()
    levels["mid"][1, 0] = value
    with pytest.raises(FeatureError, match=r"level mid: 1 of 3 tiles"):
        write_features(tmp_path / "S1.h5", levels=levels, coords=COORDS, attrs=ATTRS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("harm", ["missing", "shorter", "empty"])
def test_levels_of_another_shape_are_refused(tmp_path, harm):
    levels = made()
    match harm:
        case "missing":
            del levels["low"]
        case "shorter":
            levels["low"] = levels["low"][:2]
        case "empty":
            levels["low"] = levels["low"][:, :0]
    with pytest.raises(FeatureError, match="level low"):
        write_features(tmp_path / "S1.h5", levels=levels, coords=COORDS, attrs=ATTRS)


def test_any_flipped_byte_of_features_is_found(tmp_path):
    path = tmp_path / "S1.h5"
    levels = made()
    write_features(path, levels=levels, coords=COORDS, attrs=ATTRS)
    content = path.read_bytes()
    for level, array in levels.items():
        where = content.index(array.astype(np.float16).tobytes())
        path.write_bytes(content[:where] + bytes([content[where] ^ 1]) + content[where + 1 :])
        with pytest.raises(ArtifactError):
            read_features(path, levels=(level,))


@pytest.mark.parametrize("kept", [0, 100, 4000])
def test_a_file_cut_short_is_an_artifact_error(tmp_path, kept):
    path = tmp_path / "S1.h5"
    write_features(path, levels=made(), coords=COORDS, attrs=ATTRS)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ArtifactError):
        check_features(path, attrs=ATTRS, coords=COORDS)


def test_a_file_of_other_provenance_or_tiles_fails_its_check(tmp_path):
    path = tmp_path / "S1.h5"
    write_features(path, levels=made(), coords=COORDS, attrs=ATTRS)
    check_features(path, attrs=ATTRS, coords=COORDS)
    with pytest.raises(ArtifactError, match="coordinates"):
        check_features(path, attrs=ATTRS, coords=COORDS + 1)
    for field in fields(ATTRS):
        value = asdict(ATTRS)[field.name]
        other = replace(ATTRS, **{field.name: value * 2 if value else "x"})
        with pytest.raises(ArtifactError, match="another slide"):
            check_features(path, attrs=other, coords=COORDS)


def test_a_level_that_is_not_there_is_named(tmp_path):
    path = tmp_path / "S1.h5"
    write_features(path, levels=made(), coords=COORDS, attrs=ATTRS)
    with pytest.raises(ArtifactError, match="lacks deep"):
        read_features(path, levels=("deep",))


WITHOUT = replace(ATTRS, without_coords="the file held none")


def test_a_file_may_hold_some_levels_labels_and_no_coordinates(tmp_path):
    path = tmp_path / "S1.h5"
    labels = np.array([2, 0, 1], np.int32)
    high = {"high": made()["high"]}
    attrs = replace(WITHOUT, weights_sha256=None, slide_sha256=None, mpp=None)
    write_features(path, levels=high, coords=None, attrs=attrs, labels=labels, expected=("high",))
    assert read_levels(path) == ("high",)
    assert list(read_features(path)) == ["high"]
    assert read_coords(path) is None
    assert np.array_equal(read_labels(path), labels)
    assert read_attrs(path) == attrs


def test_a_file_says_what_it_does_not_hold(tmp_path):
    path = tmp_path / "S1.h5"
    write_features(path, levels=made(), coords=COORDS, attrs=ATTRS)
    assert read_labels(path) is None
    with h5py.File(path, "r+") as file:
        del file["coords"]
    with pytest.raises(ArtifactError, match="lacks coords"):
        read_coords(path)
    with h5py.File(path, "w") as file:
        file["other"] = [1]
    with pytest.raises(ArtifactError, match="holds no level"):
        read_levels(path)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        ({"coords": None}, "without_coords"),
        ({"attrs": WITHOUT}, "without_coords"),
        ({"coords": COORDS[:, :1]}, r"coordinates have shape \[3, 1\]"),
        ({"coords": COORDS[:2]}, r"expected \[2, dim\]"),
        ({"labels": np.zeros(2, np.int32)}, r"labels have shape \[2\], expected \[3\]"),
        ({"labels": np.zeros((3, 1), np.int32)}, "labels have shape"),
        ({"expected": ("high",)}, "gives"),
        ({"levels": {}, "expected": ()}, "gives"),
        ({"levels": {"deep": made()["low"]}, "expected": ("deep",)}, "gives"),
    ],
)
def test_parts_that_do_not_fit_are_refused(tmp_path, harm, message):
    parts = {"levels": made(), "coords": COORDS, "attrs": ATTRS, **harm}
    with pytest.raises(FeatureError, match=message):
        write_features(tmp_path / "S1.h5", **parts)
    assert list(tmp_path.iterdir()) == []


def test_other_labels_or_levels_fail_the_check(tmp_path):
    path = tmp_path / "S1.h5"
    labels = np.array([2, 0, 1], np.int32)
    write_features(path, levels=made(), coords=COORDS, attrs=ATTRS, labels=labels)
    check_features(path, attrs=ATTRS, coords=COORDS, labels=labels)
    for other in (None, labels[::-1]):
        with pytest.raises(ArtifactError, match="labels"):
            check_features(path, attrs=ATTRS, coords=COORDS, labels=other)
    with pytest.raises(ArtifactError, match="expected"):
        check_features(path, attrs=ATTRS, coords=COORDS, labels=labels, levels=("high",))
    with pytest.raises(ArtifactError, match="coordinates"):
        check_features(path, attrs=ATTRS, coords=None, labels=labels)
