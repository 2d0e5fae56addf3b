"""Files of torch.save: tuples, labels, dicts; and nothing that runs code."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from shazam.errors import (
    FeatureError,
    SlideError,
    UnknownLayoutError,
    UnreadableFeaturesError,
    UnsafeFileError,
)
from shazam.features.imports.bag import ImportedBag, ImportOptions
from shazam.features.imports.coords import NO_UNIT
from shazam.features.imports.layouts import CoordsUnit, Layout
from shazam.features.imports.read import read_bag
from tests.features.imports.made import DEFAULT, features, grid

HIGH = torch.from_numpy(features())
LOW, MID = torch.from_numpy(features(dim=2)), torch.from_numpy(features(dim=5))
CLASSES = torch.tensor([1, 0, 2, 1])


def saved(path: Path, value: object, options: ImportOptions = DEFAULT) -> ImportedBag:
    torch.save(value, path)
    return read_bag(path, options=options)


@pytest.mark.parametrize("kind", [tuple, list])
def test_three_tensors_are_low_mid_and_high(tmp_path, kind):
    bag = saved(tmp_path / "S1.pt", kind([LOW, MID, HIGH]))
    assert list(bag.levels) == ["low", "mid", "high"]
    np.testing.assert_array_equal(bag.levels["mid"], MID.numpy())
    assert (bag.labels, bag.coords_level0, bag.without_coords) == (
        None,
        None,
        "the file holds none",
    )


@pytest.mark.parametrize(
    "labels",
    [CLASSES, CLASSES.to(torch.int8), CLASSES[:, None], CLASSES.bool()],
    ids=["int64", "int8", "column", "bool"],
)
def test_a_tensor_with_whole_numbers_beside_it_is_labelled(tmp_path, labels):
    bag = saved(tmp_path / "S1.pt", (HIGH, labels))
    assert list(bag.levels) == ["high"]
    assert (bag.labels.dtype, bag.labels.tolist()) == (np.int32, labels.flatten().int().tolist())


@pytest.mark.parametrize("value", [HIGH, HIGH[None], (HIGH,), torch.nn.Parameter(HIGH)])
def test_a_single_tensor_is_one_level(tmp_path, value):
    np.testing.assert_array_equal(saved(tmp_path / "a.pt", value).levels["high"], HIGH.numpy())
    low = saved(tmp_path / "b.pt", value, ImportOptions(levels=("low",)))
    assert list(low.levels) == ["low"]


@pytest.mark.parametrize(
    "dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.float8_e4m3fn]
)
def test_every_float_keeps_its_values(tmp_path, dtype):
    tensor = HIGH.to(dtype)
    found = saved(tmp_path / "S1.pth", tensor).levels["high"]
    np.testing.assert_array_equal(found, tensor.double().numpy())


def test_a_view_of_a_tensor_is_read_as_it_looks(tmp_path):
    found = saved(tmp_path / "S1.pt", HIGH.T.contiguous().T).levels["high"]
    np.testing.assert_array_equal(found, HIGH.numpy())


def test_two_tensors_that_could_be_either_need_a_layout(tmp_path):
    path = tmp_path / "S1.pt"
    with pytest.raises(UnknownLayoutError, match=r"--layout levels .* or labelled"):
        saved(path, (MID, HIGH))
    options = ImportOptions(levels=("mid", "high"), layout=Layout.LEVELS)
    assert list(saved(path, (MID, HIGH), options).levels) == ["mid", "high"]
    with pytest.raises(UnknownLayoutError, match="one --level for each"):
        saved(path, (MID, HIGH), ImportOptions(layout=Layout.LEVELS))
    with pytest.raises(UnknownLayoutError, match="--layout levels or labelled"):
        saved(path, (HIGH, CLASSES.float()))
    labelled = saved(path, (HIGH, CLASSES.float()), ImportOptions(layout=Layout.LABELLED))
    assert labelled.labels.tolist() == CLASSES.tolist()
    with pytest.raises(FeatureError, match="whole numbers"):
        saved(path, (HIGH, CLASSES + 0.5), ImportOptions(layout=Layout.LABELLED))
    for value in (HIGH, (LOW, MID, HIGH)):
        with pytest.raises(UnknownLayoutError, match="needs"):
            saved(path, value, ImportOptions(layout=Layout.LABELLED))


def test_a_dict_is_read_by_its_names(tmp_path):
    path = tmp_path / "S1.pt"
    coords = torch.from_numpy(grid())
    bag = saved(path, {"features": HIGH, "coords": coords, "labels": CLASSES, "slide": "S1"})
    assert (bag.without_coords, bag.labels.tolist()) == (NO_UNIT, CLASSES.tolist())
    assert bag.attributes == {"slide": "S1"}
    told = saved(
        path,
        {"features": HIGH, "coords": coords},
        ImportOptions(coords_unit=CoordsUnit.PX_LEVEL0),
    )
    np.testing.assert_array_equal(told.coords_level0, grid())
    assert list(saved(path, {"low": LOW, "high": HIGH}).levels) == ["low", "high"]
    with pytest.raises(UnknownLayoutError, match=r"'weight' float32 \[4, 3\]"):
        saved(path, {"weight": HIGH})
    named = ImportOptions(datasets=("weight",))
    np.testing.assert_array_equal(saved(path, {"weight": HIGH}, named).levels["high"], HIGH.numpy())


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (torch.zeros(3), FeatureError, r"shape \[3\]"),
        (torch.zeros(0, 3), FeatureError, "empty"),
        (torch.zeros(2, 4, 3), FeatureError, "shape"),
        (torch.zeros(4, 3, dtype=torch.int64), FeatureError, "holds int64"),
        (torch.zeros(4, 3, dtype=torch.complex64), FeatureError, "holds complex64"),
        (torch.eye(3).to_sparse(), FeatureError, "sparse"),
        (torch.zeros(1, 1).expand(1000, 1000), FeatureError, "repeats"),
        (torch.zeros(1, 1).expand(10**6, 10**6), FeatureError, "16 GiB"),
        ((LOW, MID, HIGH[:3]), FeatureError, "different numbers of tiles"),
        ((HIGH, CLASSES[:3]), FeatureError, r"expected \[4\]"),
        ((LOW, MID, HIGH, HIGH), UnknownLayoutError, "4 tensor"),
        ((HIGH, "S1"), UnknownLayoutError, "Tensor, str"),
        ((), UnknownLayoutError, "nothing"),
        ({}, UnknownLayoutError, "no arrays"),
        ("text", UnknownLayoutError, "a str"),
    ],
    ids=str,
)
def test_what_is_no_bag_is_named(tmp_path, value, error, message):
    with pytest.raises(error, match=message):
        saved(tmp_path / "S1.pt", value)


class _Malicious:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return (os.mkdir, (str(self.target),))


def _malicious_files(folder: Path, target: Path) -> dict[str, Path]:
    harm = (HIGH, _Malicious(target))
    torch.save(harm, folder / "zip.pt")
    torch.save(harm, folder / "legacy.pt", _use_new_zipfile_serialization=False)
    for protocol in (2, 4):
        (folder / f"raw{protocol}.pt").write_bytes(pickle.dumps(_Malicious(target), protocol))
    return {path.stem: path for path in folder.glob("*.pt")}


def test_a_file_that_would_run_code_is_refused_and_does_not_run(tmp_path):
    target = tmp_path / "made_by_the_file"
    files = _malicious_files(tmp_path, target)
    assert len(files) == 4
    for path in files.values():
        with pytest.raises(UnsafeFileError, match="nothing was run"):
            read_bag(path, options=DEFAULT)
    with pytest.raises(UnsafeFileError, match=r"posix\.mkdir|nt\.mkdir"):
        read_bag(files["zip"], options=DEFAULT)
    assert not target.exists()
    pickle.loads(files["raw2"].read_bytes())  # noqa: S301 - shows that the file is a real one
    assert target.exists()


def test_a_pickle_without_a_header_is_not_taken_for_tensors(tmp_path):
    path = tmp_path / "S1.pt"
    path.write_bytes(pickle.dumps(_Malicious(tmp_path / "x"), 0))
    with pytest.raises(UnreadableFeaturesError, match="neither HDF5"):
        read_bag(path, options=DEFAULT)


@pytest.mark.parametrize("content", [b"", b"some text\n", b"\x80", b"\x80\x02.", b"PK\x03\x04rest"])
def test_what_is_not_of_torch_is_unreadable(tmp_path, content):
    path = tmp_path / "S1.pt"
    path.write_bytes(content)
    with pytest.raises(UnreadableFeaturesError, match=r"S1\.pt"):
        read_bag(path, options=DEFAULT)


@pytest.mark.parametrize("new", [True, False])
def test_damage_never_raises_anything_else(tmp_path, new):
    path = tmp_path / "S1.pt"
    torch.save((LOW, MID, HIGH), path, _use_new_zipfile_serialization=new)
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    for where in rng.integers(0, len(content), size=150):
        flipped = bytes([content[where] ^ 255])
        for harmed in (content[:where], content[:where] + flipped + content[where + 1 :]):
            path.write_bytes(harmed)
            try:
                bag = read_bag(path, options=DEFAULT)
            except SlideError:
                continue
            assert bag.n_tiles > 0


def test_the_content_decides_not_the_suffix(tmp_path):
    torch.save(HIGH, tmp_path / "S1.npz")
    bag = read_bag(tmp_path / "S1.npz", options=DEFAULT)
    np.testing.assert_array_equal(bag.levels["high"], HIGH.numpy())
