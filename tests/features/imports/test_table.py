"""Tables: rows become bags, and ids that cannot name a bag are listed at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shazam.errors import CohortError, ConfigError
from shazam.features.imports.bag import ImportOptions
from shazam.features.imports.table import table_rows
from tests.features.imports.made import features, write_h5

NAMES = np.array(["S2", "S1", "S4", "S3"])


def rows(path: Path, **options: str) -> dict[str, list[int]]:
    found = table_rows(path, options=ImportOptions(**options))
    return {name: where.tolist() for name, where in found.items()}


def table(folder: Path, **arrays: np.ndarray) -> Path:
    path = folder / "table.npz"
    np.savez(path, X=features(), **arrays)
    return path


@pytest.mark.parametrize("dtype", ["U", "S"])
def test_each_row_is_a_bag_of_its_name(tmp_path, dtype):
    found = rows(table(tmp_path, name=NAMES.astype(dtype)), ids="name")
    assert found == {"S2": [0], "S1": [1], "S4": [2], "S3": [3]}


@pytest.mark.parametrize("numbers", [np.array([7, 3, 7, 7]), np.array([7.0, 3.0, 7.0, 7.0])])
def test_rows_of_a_group_are_one_bag_in_the_order_of_the_file(tmp_path, numbers):
    path = table(tmp_path, case=numbers, name=NAMES)
    assert rows(path, group="case") == {"7": [0, 2, 3], "3": [1]}
    assert rows(path, group="case", ids="name") == {"7": [0, 2, 3], "3": [1]}


def test_all_that_is_wrong_with_ids_is_listed_at_once(tmp_path):
    path = table(tmp_path, name=np.array(["../S1", "S2", "S2", " "]))
    with pytest.raises(CohortError) as raised:
        rows(path, ids="name")
    assert len(raised.value.problems) == 3
    for part in ("'../S1' is not a valid id", "'S2' names rows 1, 2", "1 rows have no value: 3"):
        assert part in str(raised.value)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([1.0, np.nan, 2.5, np.inf]), "3 rows have no value: 1, 2, 3"),
        (np.array(["a", "nan", "NA", "None"]), "3 rows have no value"),
        (np.array([["a"], ["b"]]), r"shape \[2, 1\]"),
        (np.array([], "U1"), r"shape \[0\]"),
        (np.array("a"), r"shape \[\]"),
    ],
)
def test_rows_without_an_id_are_counted(tmp_path, array, message):
    with pytest.raises(CohortError, match=message):
        rows(table(tmp_path, name=array), ids="name")


def test_ids_and_groups_of_another_length_are_refused(tmp_path):
    with pytest.raises(CohortError, match="different length"):
        rows(table(tmp_path, name=NAMES, case=np.arange(3)), ids="name", group="case")


def test_what_is_no_table_is_a_wrong_option(tmp_path):
    with pytest.raises(ConfigError, match=r"has no array nope; the file holds 'X'"):
        rows(table(tmp_path), ids="nope")
    with pytest.raises(ConfigError, match="belong to tables"):
        rows(write_h5(tmp_path / "S1.h5", {"features": features()}), ids="name")
    (tmp_path / "cut.npz").write_bytes(b"PK")
    with pytest.raises(ConfigError, match=r"table cut\.npz"):
        rows(tmp_path / "cut.npz", ids="name")
    with pytest.raises(ConfigError, match="pickled objects"):
        rows(table(tmp_path, name=np.array([None, 1, 2, 3], dtype=object)), ids="name")
