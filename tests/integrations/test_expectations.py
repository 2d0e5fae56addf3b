"""Contracts: each expectation can fail, critical ones stop, warnings are told."""

import pandas as pd
import pytest

from shazam.errors import ContractError
from shazam.integrations.expectations import check_contract, load_suite
from shazam.workspace import Workspace

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # raised inside the library
]

GOOD = {
    "cohort": {
        "slide_id": ["a", "b"],
        "sha256": ["x", "y"],
        "case_id": ["c1", "c2"],
        "time_months": [1.0, 2.0],
        "site": ["s1", "s2"],
    },
    "slides": {
        "slide_id": ["a", "b"],
        "mpp": [0.25, 0.5],
        "tissue_fraction": [0.5, 1.0],
        "mpp_origin": ["openslide", "tiff"],
    },
    "features": {
        "slide_id": ["a", "b"],
        "teacher": ["t", "t"],
        "n_tiles": [3, 4],
        "n_coords": [3, 4],
        "coords_equal": [True, True],
        "dims": ["1/2/3", "1/2/3"],
        "dims_expected": ["1/2/3", "1/2/3"],
        "dtype": ["float16", "float16"],
        "dtype_expected": ["float16", "float16"],
        "n_not_finite": [0, 0],
        "sha256": ["x", "y"],
        "sha256_expected": ["x", "y"],
        "weights_sha256": ["w", "w"],
        "weights_sha256_expected": ["w", "w"],
        "error": ["", ""],
        "std": [0.1, 0.2],
    },
}
BAD = [
    ("cohort", "slide_id", "a", "A slide is named once"),
    ("cohort", "sha256", "x", "same content"),
    ("cohort", "case_id", "../c2", "file names"),
    ("cohort", "time_months", 0.0, "positive"),
    ("slides", "slide_id", "a", "once"),
    ("slides", "mpp", 50.0, "scanners"),
    ("slides", "tissue_fraction", 0.0, "tissue"),
    ("features", "slide_id", "a", "once"),
    ("features", "n_tiles", 5, "each tile"),
    ("features", "coords_equal", False, "exactly the tiles"),
    ("features", "dims", "1/2/4", "width"),
    ("features", "dtype", "float32", "half precision"),
    ("features", "n_not_finite", 1, "NaN"),
    ("features", "sha256", "z", "bytes that extraction wrote"),
    ("features", "weights_sha256", "z", "weights"),
    ("features", "error", "OSError: truncated", "can be read"),
]
WARNED = [
    ("cohort", "site", None, "site of each case"),
    ("slides", "mpp_origin", "assumed", "not assumed"),
    ("features", "std", 0.0, "not all the same"),
]


def table(suite: str, column: str | None = None, value: object = None) -> pd.DataFrame:
    frame = pd.DataFrame(GOOD[suite]).astype(object)
    if column is not None:
        frame.loc[1, column] = value
    return frame


@pytest.mark.parametrize("suite", sorted(GOOD))
def test_a_good_table_passes_and_is_documented(suite, tmp_path):
    result = check_contract(suite, table(suite), workspace=Workspace(tmp_path))
    assert result.warnings == ()
    assert (tmp_path / result.data_docs_uri).is_file()


@pytest.mark.parametrize(("suite", "column", "value", "message"), BAD)
def test_a_broken_critical_expectation_stops(suite, column, value, message, tmp_path):
    with pytest.raises(ContractError, match=message):
        check_contract(suite, table(suite, column, value), workspace=Workspace(tmp_path))


def test_the_rows_that_broke_it_are_named(tmp_path):
    with pytest.raises(ContractError, match=r"scanners produce.*: b$"):
        check_contract("slides", table("slides", "mpp", 50.0), workspace=Workspace(tmp_path))


@pytest.mark.parametrize(("suite", "column", "value", "message"), WARNED)
def test_a_broken_warning_is_told_and_goes_on(suite, column, value, message, tmp_path):
    result = check_contract(suite, table(suite, column, value), workspace=Workspace(tmp_path))
    assert [finding.severity for finding in result.warnings] == ["warning"]
    assert message in str(result.warnings[0])


def test_every_rule_is_tried_here():
    rules = {(name, rule["meaning"]) for name in GOOD for rule in load_suite(name)}
    tried = {
        (suite, meaning)
        for suite, meaning in rules
        for bad_suite, _, _, message in [*BAD, *WARNED]
        if suite == bad_suite and message in meaning
    }
    assert rules - tried == set()


def test_the_same_table_is_documented_once(tmp_path):
    workspace = Workspace(tmp_path)
    first = check_contract("slides", table("slides"), workspace=workspace)
    again = check_contract("slides", table("slides"), workspace=workspace)
    assert first == again
    assert len(list((tmp_path / "data_docs" / "slides").iterdir())) == 1
